"""Which files a package has, where each comes from, and why. What was not asked for is not in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.catalog.domain.catalog import application
from apps.packages.domain.application import (
    Knowledge,
    Packed,
    describe,
    pack_knowledge,
    servers_of,
    title_of,
)
from apps.packages.domain.options import Options
from apps.packages.domain.render import render
from apps.packages.domain.sbom import bill_of_materials
from apps.packages.domain.starters import starters_from
from apps.packages.domain.tree import Entry
from apps.packages.domain.vendor import Sources
from apps.projects.domain.canonical import sha256
from apps.projects.domain.spec import ProjectSpec
from apps.runtime.graph import Graph
from apps.runtime.traits import traits_of

IMAGES = {
    "python": "python:3.11-slim",
    "postgres": "pgvector/pgvector:pg17",
    "redis": "redis:7",
    "nginx": "nginx:1.27",
}
RENAMED = {
    "env.example.j2": ".env.example",
    "dockerignore": ".dockerignore",
    "gitignore": ".gitignore",
    "knowledge-README.md.j2": "knowledge/README.md",
}
NOT_SHIPPED = {"requirements.in"}
CLUSTER_ONLY = {"compose/nginx.conf"}
REASONS = (
    ("portal/portal/", "the portal's own settings and pages"),
    ("portal/templates/", "the portal's own settings and pages"),
    ("portal/tests/", "the portal's tests, for `make test`"),
    ("portal/Dockerfile", "the portal's image"),
    ("portal/", "the portal's own settings and pages"),
    ("compose", "format compose"),
    (".env.example", "format compose"),
    (".dockerignore", "format compose"),
    ("scripts/", "set-up and everyday work"),
    ("knowledge/", "what the knowledge folder holds"),
)


@dataclass(frozen=True)
class Request:
    """Everything one export is made from."""

    spec: ProjectSpec
    spec_yaml: str
    graph: Graph
    options: Options
    knowledge: Sequence[Knowledge]
    studio_version: str


@dataclass(frozen=True)
class Plan:
    """entries    sorted by path
    rendered   paths that came out of a template of ours
    """

    folder: str
    entries: tuple[Entry, ...]
    rendered: frozenset[str]
    collections: tuple[Packed, ...]


def plan(request: Request, sources: Sources) -> Plan:
    """Raises SourceMissing or KnowledgeMissing."""
    collections = pack_knowledge(request.spec, request.options, request.knowledge)
    starters = request.spec.spec.starters or starters_from(
        request.knowledge, request.options.include
    )
    context = _context(request)
    own, rendered = _skeleton(request, sources, context)
    vendored = sources.vendored()
    locks = sources.locks()
    entries = [
        *own,
        *vendored,
        *sources.built([*vendored, *own]),
        *locks,
        sources.licence(),
        Entry("project.yaml", request.spec_yaml.encode(), "the project this was made from"),
        Entry(
            "portal/app.json",
            pretty(describe(request.spec, request.graph, request.options, collections, starters)),
            "the frozen application",
        ),
        Entry("sbom.cdx.json", pretty(_sbom(request, locks)), "list of parts"),
        *(entry for packed in collections for entry in packed.entries),
    ]
    ordered = tuple(sorted(entries, key=lambda entry: entry.path))
    return Plan(request.spec.metadata.name, ordered, frozenset(rendered), tuple(collections))


def pretty(value: Any) -> bytes:
    """JSON for people, the same bytes every time."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def images_for(options: Options) -> dict[str, str]:
    return {part: image for part, image in IMAGES.items() if part != "nginx" or is_cluster(options)}


def is_cluster(options: Options) -> bool:
    return options.topology == "cluster"


def _skeleton(
    request: Request, sources: Sources, context: dict[str, Any]
) -> tuple[list[Entry], set[str]]:
    entries: list[Entry] = []
    rendered: set[str] = set()
    for name, path in sources.skeleton().items():
        if not _wanted(name, request):
            continue
        target = RENAMED.get(name, name.removesuffix(".j2"))
        source = path.read_bytes()
        if name.endswith(".j2"):
            source = render(source.decode(), context)
            rendered.add(target)
        executable = target.startswith("scripts/") or target == "portal/manage.py"
        entries.append(Entry(target, source, _reason(target), executable))
    return entries, rendered


def _wanted(name: str, request: Request) -> bool:
    if name in NOT_SHIPPED:
        return False
    if name in CLUSTER_ONLY:
        return is_cluster(request.options)
    return True


def _reason(target: str) -> str:
    return next((reason for prefix, reason in REASONS if target.startswith(prefix)), "start here")


def _context(request: Request) -> dict[str, Any]:
    spec, options = request.spec, request.options
    deployment = spec.spec.deployment
    version = sha256(spec)
    return {
        "name": spec.metadata.name,
        "title": title_of(spec),
        "description": spec.metadata.description,
        "application": spec.spec.application,
        "summary": application(spec.spec.application).summary,
        "version": version,
        "image": f"{spec.metadata.name}-portal:{version[:12]}",
        "images": IMAGES,
        "cluster": is_cluster(options),
        "port": options.port,
        "include": options.include,
        "collections": spec.spec.knowledge.collections,
        "features": deployment.features,
        "resources": deployment.resources,
        "location": deployment.location,
        "os_hint": OS_HINTS[deployment.os],
        "generates": traits_of(request.graph).generates,
        "servers": servers_of(spec, request.graph, options),
        "studio_version": request.studio_version,
    }


def _sbom(request: Request, locks: Sequence[Entry]) -> dict[str, Any]:
    return bill_of_materials(
        name=f"{request.spec.metadata.name}-portal",
        version=sha256(request.spec)[:12],
        locks={entry.path: entry.read().decode() for entry in locks},
        images=images_for(request.options),
    )


OS_HINTS = {
    "debian-12": "Debian 12: packages docker-ce and docker-compose-plugin of Docker's repository",
    "ubuntu-24.04": "Ubuntu 24.04: `apt-get install docker.io docker-compose-v2`",
    "rhel-9": "RHEL 9: packages docker-ce and docker-compose-plugin of Docker's repository",
}
