"""plan -> render -> vendor -> verify -> archive, without Django and without a database."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from apps.catalog.domain.catalog import components
from apps.packages.domain.application import Knowledge
from apps.packages.domain.archive import write_archive
from apps.packages.domain.checks.files import Files
from apps.packages.domain.checks.portal import PortalCheck
from apps.packages.domain.manifest import manifest_entry
from apps.packages.domain.options import Options, options_for
from apps.packages.domain.plan import Request, plan
from apps.packages.domain.tree import Entry
from apps.packages.domain.vendor import Sources
from apps.packages.domain.verify import ALL_CHECKS, verify, verify_archive
from apps.packages.errors import ConnectionUnfit
from apps.projects.domain.compile import build_graph
from apps.projects.domain.findings import Finding
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.yaml_io import parse
from apps.projects.errors import SpecRefused
from apps.runtime.graph import Graph

Progress = Callable[[str, int, int], None]
"""Told the step in words and bytes done of bytes in all (0, 0 where a step has no measure)."""


@dataclass(frozen=True)
class Report:
    """What an export made. path is None if an error finding forbade the package."""

    path: Path | None
    sha256: str
    size_bytes: int
    findings: tuple[Finding, ...]
    contents: tuple[dict[str, Any], ...]
    duration_s: float

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity == "error"]


def export_package(
    *,
    spec: ProjectSpec,
    spec_yaml: str,
    graph: Graph,
    options: Options,
    out: Path,
    sources: Sources,
    knowledge: Sequence[Knowledge] = (),
    secrets: Sequence[str] = (),
    progress: Progress = lambda step, done, total: None,
) -> Report:
    """Write the package of one frozen project to `out`.

    knowledge   the collections that travel, each in a folder of its own (see Options.include)
    secrets     stored values that must not be in any byte of the package
    Raises SourceMissing, KnowledgeMissing, OutOfSpace or NotWritable; nothing half-written is left.
    """
    started = time.perf_counter()
    request = Request(spec, spec_yaml, graph, options, knowledge, studio_version())
    progress("Collecting files", 0, 0)
    planned = plan(request, sources)
    progress("Checking the package", 0, 0)
    with PortalCheck(planned.entries) as portal:
        findings = verify(Files(planned.entries, planned.rendered), secrets)
        manifest = manifest_entry(request, planned, ALL_CHECKS, findings)
        entries = sorted([*planned.entries, manifest], key=lambda entry: entry.path)

        def passes(part: Path) -> bool:
            """The portal was starting in its own process while everything was packed."""
            findings.extend([*verify_archive(part, planned.folder), *portal.findings()])
            return not _has_error(findings)

        written = None
        if _has_error(findings):
            findings.extend(portal.findings())
        else:
            total = sum(entry.size_bytes for entry in entries)
            written = write_archive(
                entries,
                planned.folder,
                out,
                progress=lambda done: progress("Packing", done, total),
                accept=passes,
            )
    digest, size = written or ("", 0)
    return Report(
        path=out if written else None,
        sha256=digest,
        size_bytes=size,
        findings=tuple(findings),
        contents=tuple(_row(entry) for entry in entries),
        duration_s=time.perf_counter() - started,
    )


def export_document(
    text: str,
    *,
    out: Path,
    sources: Sources,
    knowledge_dir: Path | None = None,
    titles: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
    progress: Progress = lambda step, done, total: None,
    **chosen: Any,
) -> Report:
    """Export straight from a project file, for the command line.

    knowledge_dir   holds one folder per collection of the project: a snapshot (include: index) or
                    documents (include: documents). Without it nothing travels.
    titles          what people call the collections, by name; one left out is called by its name
    chosen          formats, topology, include, port, servers, kinds; they win over spec.deployment
    Raises SpecRefused with the findings, FormatUnavailable, OptionRefused, ConnectionUnfit, and as
    export_package.
    """
    spec, findings = parse(text)
    if spec is None:
        raise SpecRefused(findings)
    if knowledge_dir is None and chosen.get("include") is None:
        chosen["include"] = "none"
    options = options_for(spec.spec.deployment, **chosen)
    graph = build_graph(spec, options.kinds)
    _fits(graph, options)
    folders = [
        Knowledge(name, (titles or {}).get(name, name), knowledge_dir and knowledge_dir / name)
        for name in spec.spec.knowledge.collections
    ]
    return export_package(
        spec=spec,
        spec_yaml=text,
        graph=graph,
        options=options,
        out=out,
        sources=sources,
        knowledge=folders,
        secrets=secrets,
        progress=progress,
    )


def _fits(graph: Graph, options: Options) -> None:
    """Raises ConnectionUnfit for the first node that nothing runs over its connection."""
    for node in graph.nodes:
        if node.adapter:
            continue
        component = components()[node.component]
        name = str(node.params.get(component.connection.name) if component.connection else "")
        wanted = [kind for kind in component.adapters if kind != "embedded"]
        raise ConnectionUnfit(
            component=component.title,
            node=node.id,
            connection=name,
            kind=options.kinds.get(name, "openai"),
            kinds=" or ".join(wanted),
            what_to_do=f"If that is what it speaks, say so: --connection {name}={wanted[0]}.",
        )


def studio_version() -> str:
    try:
        return version("genai-studio")
    except PackageNotFoundError:
        return "unreleased"


def _has_error(findings: Sequence[Finding]) -> bool:
    return any(finding.severity == "error" for finding in findings)


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "path": entry.path,
        "size_bytes": entry.size_bytes,
        "sha256": entry.sha256,
        "reason": entry.reason,
    }
