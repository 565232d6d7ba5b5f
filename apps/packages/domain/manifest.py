"""MANIFEST.json: what the package is, every file's hash, and what the checks found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.packages.domain import application
from apps.packages.domain.application import title_of
from apps.packages.domain.options import Options
from apps.packages.domain.plan import Plan, Request, pretty
from apps.packages.domain.tree import Entry
from apps.projects.domain.canonical import sha256
from apps.projects.domain.findings import Finding

FORMAT = 1
NAME = "MANIFEST.json"


def manifest_entry(
    request: Request, plan: Plan, checks: Sequence[str], findings: Sequence[Finding]
) -> Entry:
    return Entry(NAME, pretty(_content(request, plan, checks, findings)), "hashes and findings")


def _content(
    request: Request, plan: Plan, checks: Sequence[str], findings: Sequence[Finding]
) -> dict[str, Any]:
    return {
        "kind": "genai.studio/package",
        "name": request.spec.metadata.name,
        "title": title_of(request.spec),
        "version": sha256(request.spec),
        "studio_version": request.studio_version,
        "format_versions": {
            "manifest": FORMAT,
            "app": application.FORMAT,
            "project": request.spec.api_version,
            "graph": request.graph.version,
        },
        "options": _options(request.options),
        "knowledge": [
            {**packed.row, "files": len(packed.entries), "size_bytes": _size(packed.entries)}
            for packed in plan.collections
        ],
        "checks": list(checks),
        "findings": [finding.as_dict() for finding in findings],
        "files": {
            entry.path: {
                "sha256": entry.sha256,
                "size_bytes": entry.size_bytes,
                "mode": f"{entry.mode:04o}",
            }
            for entry in plan.entries
        },
    }


def _options(options: Options) -> dict[str, Any]:
    """Without model servers: their addresses are settings, in .env.example, the rest is in app.json."""
    left_out = ("servers", "kinds")
    return {name: value for name, value in options.as_dict().items() if name not in left_out}


def _size(entries: Sequence[Entry]) -> int:
    return sum(entry.size_bytes for entry in entries)
