"""What a finished package holds, arranged for its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

SHOWN = 200
"""Files listed per folder; a package with a thousand documents stays one page."""


@dataclass
class Folder:
    name: str
    reasons: Counter[str] = field(default_factory=Counter)
    size_bytes: int = 0
    count: int = 0
    files: list[dict[str, Any]] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """Why most of its files are in the package."""
        return self.reasons.most_common(1)[0][0]

    @property
    def hidden(self) -> int:
        return self.count - len(self.files)


def folders_of(contents: Iterable[dict[str, Any]]) -> list[Folder]:
    """The files by folder, two levels deep; files at the top come first."""
    folders: dict[str, Folder] = {}
    for row in contents:
        parts = row["path"].split("/")
        name = "/".join(parts[:-1][: 3 if parts[:2] == ["portal", "apps"] else 2])
        folder = folders.setdefault(name, Folder(name))
        folder.size_bytes += row["size_bytes"]
        folder.count += 1
        folder.reasons[row["reason"]] += 1
        if len(folder.files) < SHOWN:
            folder.files.append({**row, "name": row["path"][len(name) :].lstrip("/")})
    return sorted(folders.values(), key=lambda folder: folder.name)
