"""Questions that a package offers, made from the knowledge that travels and from nothing else.

Whoever exports, with a database or without, gets the same ones; and what stays at home is not named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from apps.knowledge.domain.extraction import extract
from apps.knowledge.domain.parts import Meter
from apps.packages.domain.application import Knowledge
from apps.runtime.errors import StudioError
from apps.sandboxes.domain.questions import questions_about

READ_HERE = {".md", ".markdown", ".html", ".htm"}
"""Documents whose headings are read while a package is made: quick, and harmless to open."""
LARGEST_BYTES = 1_000_000


def starters_from(knowledge: Sequence[Knowledge], include: str) -> tuple[str, ...]:
    """include: "index", "documents" or "none", as in Options."""
    folders = [item.folder for item in knowledge if item.folder is not None]
    if include == "index":
        return questions_about(heading for folder in folders for heading in _indexed(folder))
    if include == "documents":
        return questions_about(heading for folder in folders for heading in _written(folder))
    return ()


def _indexed(folder: Path) -> Iterator[str]:
    """Of a snapshot's passages, in the order of documents."""
    with (folder / "chunks.jsonl").open("rb") as lines:
        for line in lines:
            if heading := orjson.loads(line).get("heading"):
                yield heading


def _written(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in READ_HERE or not path.is_file():
            continue
        if path.stat().st_size > LARGEST_BYTES:
            continue
        try:
            yield from [
                block.heading for block in extract(path, path.name, Meter()) if block.heading
            ]
        except StudioError:
            continue
