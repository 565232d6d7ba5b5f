"""One project, its knowledge as a folder, and packages of it that are made once for all tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apps.packages.domain.application import Knowledge
from apps.packages.domain.checks.files import Files
from apps.packages.domain.export import Report, export_document, studio_version
from apps.packages.domain.options import options_for
from apps.packages.domain.plan import Plan, Request, plan
from apps.packages.domain.vendor import Sources
from apps.projects.domain.compile import build_graph
from apps.projects.domain.yaml_io import parse
from apps.runtime.snapshot import SnapshotChunk, write_snapshot
from tests.servers.environment import PROJECT

SPEC = """\
apiVersion: genai.studio/v1
kind: Project
metadata: {name: hr-helpdesk, title: HR helpdesk, description: Answers from the handbook}
spec:
  application: qna
  knowledge: {collections: [handbook]}
"""
GENERATIVE = SPEC + "  model: {connection: local-vllm, name: some-model}\n"


@pytest.fixture(scope="session")
def sources() -> Sources:
    return Sources(PROJECT)


@pytest.fixture(scope="session")
def knowledge_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """knowledge/handbook as a ready index of two passages."""
    folder = tmp_path_factory.mktemp("knowledge")
    vectors = np.eye(2, 384, dtype=np.float32)
    texts = ("Every employee has 25 days of holiday a year.", "Travel is booked by the front desk.")
    chunks = [
        SnapshotChunk(f"c{at}", "d0", "handbook.md", at, text, 0, len(text), vectors[at])
        for at, text in enumerate(texts)
    ]
    documents = [{"id": "d0", "name": "handbook.md", "chunk_count": 2}]
    (folder / "handbook").mkdir()
    write_snapshot(folder / "handbook", documents, chunks, "builtin:all-minilm-l6-v2", 384)
    return folder


@pytest.fixture(scope="session")
def documents_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "handbook" / "travel").mkdir(parents=True)
    (folder / "handbook" / "holidays.md").write_text("# Holidays\n\n25 days a year.\n")
    (folder / "handbook" / "travel" / "rules.txt").write_text("The front desk books travel.\n")
    return folder


@pytest.fixture(scope="session")
def planned(sources: Sources, knowledge_dir: Path) -> Plan:
    """The files of a cluster package of a generating project: every part there is."""
    return plan_of(GENERATIVE, sources, knowledge_dir, topology="cluster")


@pytest.fixture(scope="session")
def files(planned: Plan) -> Files:
    return Files(planned.entries, planned.rendered)


@pytest.fixture(scope="session")
def single(
    sources: Sources, knowledge_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Report:
    """A finished package, single topology, built-in answerer, ready index."""
    out = tmp_path_factory.mktemp("single") / "package.zip"
    return export_document(SPEC, out=out, sources=sources, knowledge_dir=knowledge_dir)


def plan_of(text: str, sources: Sources, knowledge_dir: Path | None, **chosen: str) -> Plan:
    spec, findings = parse(text)
    assert spec, findings
    knowledge = [
        Knowledge(name, name, knowledge_dir / name if knowledge_dir else None)
        for name in spec.spec.knowledge.collections
    ]
    options = options_for(spec.spec.deployment, **chosen)
    request = Request(spec, text, build_graph(spec), options, knowledge, studio_version())
    return plan(request, sources)
