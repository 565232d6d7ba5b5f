"""A frozen version as engines get it: graph, resolved servers and a copy of its knowledge."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.connections.queries import model_server
from apps.knowledge.models import Collection
from apps.knowledge.snapshots import export_snapshot
from apps.projects.models import SpecVersion
from apps.projects.queries import collections_of
from apps.runtime.graph import BUILTIN, Graph
from apps.runtime.resources import ModelServer


@contextmanager
def app_plan(version: SpecVersion, job_id: Any) -> Iterator[dict[str, Any]]:
    """The plan's `app` part (`worker.engines.app`); its knowledge is removed afterwards.

    Raises what `model_server` and `export_snapshot` raise. Holds secrets: for stdin of an engine only.
    """
    work = Path(settings.DATA_DIR) / "work" / str(job_id)
    shutil.rmtree(work, ignore_errors=True)
    collections = collections_of(version)
    try:
        snapshot = _snapshot(collections, work)
        yield {
            "graph": version.graph,
            "snapshot": str(snapshot) if snapshot else None,
            "servers": {server.name: asdict(server) for server in servers_of(version)},
            "model_cache": str(settings.MODEL_CACHE),
            "allow_private": settings.ENDPOINTS_ALLOW_PRIVATE,
        }
    finally:
        shutil.rmtree(work, ignore_errors=True)


def servers_of(version: SpecVersion) -> list[ModelServer]:
    """The model servers that a version's graph and the embeddings of its collections use."""
    owner = version.project.owner
    names = list(Graph.model_validate(version.graph).connections())
    names += [row.embedding_model.partition(":")[0] for row in collections_of(version)]
    known = dict.fromkeys(name for name in names if name != BUILTIN)
    return [model_server(owner, name) for name in known]


def _snapshot(collections: list[Collection], work: Path) -> Path | None:
    if not collections:
        return None
    path = work / "snapshot"
    path.parent.mkdir(parents=True, exist_ok=True)
    export_snapshot(collections, path)
    return path
