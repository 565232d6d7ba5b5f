"""What every reader yields, and how its parts become blocks with offsets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from apps.knowledge.domain.limits import BLOCK_CHARS, HEADING_CHARS
from apps.runtime.chunking import Block

_CONTROL = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127], " ") | {13: "\n"}
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph, heading, row or page. text carries its own line ends; parts simply follow."""

    text: str
    page: int | None = None
    heading: str = ""


@dataclass(slots=True)
class Meter:
    """Filled by a reader while it reads. share: 0 to 1 of the file; pages: pages, slides or sheets."""

    share: float = 0.0
    pages: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Headings:
    """The path of headings at the reader's position: "Handbook › Leave › Parents"."""

    _levels: list[tuple[int, str]] = field(default_factory=list)

    def enter(self, level: int, title: str) -> None:
        title = " ".join(title.split())
        if not title:
            return
        while self._levels and self._levels[-1][0] >= level:
            self._levels.pop()
        self._levels.append((level, title))

    def __str__(self) -> str:
        return " › ".join(title for _, title in self._levels)[:HEADING_CHARS]


def blocks(parts: Iterable[Part]) -> Iterator[Block]:
    """Blocks whose texts, put one behind the other, are the extracted text; start is the offset in it.

    Control characters and lone surrogates, which databases and JSON refuse, are replaced one for
    one; parts longer than BLOCK_CHARS are cut at a space or line end where there is one.
    """
    start = 0
    for part in parts:
        text = _SURROGATES.sub("\ufffd", part.text.translate(_CONTROL))
        for piece in _cut(text):
            yield Block(text=piece, page=part.page, heading=part.heading, start=start)
            start += len(piece)


def _cut(text: str) -> Iterator[str]:
    while len(text) > BLOCK_CHARS:
        edge = max(text.rfind("\n", 0, BLOCK_CHARS), text.rfind(" ", 0, BLOCK_CHARS)) + 1
        edge = edge if edge > BLOCK_CHARS // 2 else BLOCK_CHARS
        yield text[:edge]
        text = text[edge:]
    if text:
        yield text
