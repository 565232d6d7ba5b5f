"""plan -> render -> vendor -> verify -> archive, without Django and without a database."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

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
    starters: Sequence[str] = (),
    secrets: Sequence[str] = (),
    progress: Progress = lambda step, done, total: None,
) -> Report:
    """Write the package of one frozen project to `out`.

    knowledge   the collections that travel, each in a folder of its own (see Options.include)
    starters    questions that an empty chat offers
    secrets     stored values that must not be in any byte of the package
    Raises SourceMissing, KnowledgeMissing, OutOfSpace or NotWritable; nothing half-written is left.
    """
    started = time.perf_counter()
    request = Request(spec, spec_yaml, graph, options, knowledge, studio_version(), tuple(starters))
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
    secrets: Sequence[str] = (),
    progress: Progress = lambda step, done, total: None,
    **chosen: Any,
) -> Report:
    """Export straight from a project file, for the command line.

    knowledge_dir   holds one folder per collection of the project: a snapshot (include: index) or
                    documents (include: documents). Without it nothing travels.
    chosen          formats, topology, include, port, servers, kinds; they win over spec.deployment
    Raises SpecRefused with the findings, FormatUnavailable, OptionRefused, and as export_package.
    """
    spec, findings = parse(text)
    if spec is None:
        raise SpecRefused(findings)
    if knowledge_dir is None and chosen.get("include") is None:
        chosen["include"] = "none"
    options = options_for(spec.spec.deployment, **chosen)
    names = spec.spec.knowledge.collections if knowledge_dir else ()
    folders = [Knowledge(name, name, Path(knowledge_dir or "") / name) for name in names]
    return export_package(
        spec=spec,
        spec_yaml=text,
        graph=build_graph(spec, options.kinds),
        options=options,
        out=out,
        sources=sources,
        knowledge=folders,
        secrets=secrets,
        progress=progress,
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
