"""The files under tests/data/imports, and what they are made into."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from apps.projects.domain.importers.importing import Imported, import_bytes
from tests.servers.environment import PROJECT

FOLDER = PROJECT / "tests" / "data" / "imports"
SAMPLES = sorted(path for path in FOLDER.iterdir() if path.is_file())
SECRETS = (
    "hf_HarbourTokenForTests77",
    "hf_PierTokenForTests00",
    "sk-agents-own-key-0123456789",
    "Pa55-of-the-harbour",
    "moon-secret-value",
    "tok-8842-canoe-secret",
    "ww-55-harbour-99",
    "bearer-key-4711",
)
"""Every secret that stands in one of them."""


@cache
def imported(name: str) -> Imported:
    path = FOLDER / name
    return import_bytes(path.read_bytes(), Path(name).stem)


def said(result: Imported, code: str) -> list[str]:
    return [note.message for note in result.notes if note.code == code]


def edges(result: Imported) -> set[str]:
    assert result.spec is not None
    assert result.spec.spec.flow is not None
    return {f"{one.source} > {one.target}" for one in result.spec.spec.flow.edges}


def nodes(result: Imported) -> dict[str, str]:
    """From id to component."""
    assert result.spec is not None
    assert result.spec.spec.flow is not None
    return {node.id: node.component for node in result.spec.spec.flow.nodes}
