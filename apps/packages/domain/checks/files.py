"""The files under check, and how a finding about one of them is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from apps.packages.domain.tree import Entry
from apps.projects.domain.findings import Finding


@dataclass(frozen=True)
class Files:
    """rendered   paths that came out of our templates"""

    entries: Sequence[Entry]
    rendered: frozenset[str] = frozenset()

    @cached_property
    def by_path(self) -> dict[str, Entry]:
        return {entry.path: entry for entry in self.entries}

    @cached_property
    def paths(self) -> list[str]:
        return [entry.path for entry in self.entries]

    def __contains__(self, path: str) -> bool:
        return path in self.by_path

    def text(self, path: str) -> str:
        """The file's text, or "" if there is no such file or it is not UTF-8 (another check says so)."""
        entry = self.by_path.get(path)
        return entry.read().decode(errors="replace") if entry else ""

    def own(self) -> Iterator[Entry]:
        """Everything but the knowledge, whose files are people's and may hold anything."""
        return (entry for entry in self.entries if not is_knowledge(entry.path))


def is_knowledge(path: str) -> bool:
    return path.startswith("knowledge/") and path != "knowledge/README.md"


def error(code: str, message: str, path: str = "", line: int = 0) -> Finding:
    return Finding(code, message, (path,) if path else (), "error", line)


def warning(code: str, message: str, path: str = "", line: int = 0) -> Finding:
    return Finding(code, message, (path,) if path else (), "warning", line)
