"""Cuts a document's text into retrievable pieces, reading it as a stream.

Cuts fall, in this order of preference, before a heading, at a blank line, after a sentence, at a
line's end, at a space. A piece is an exact slice of the extracted text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SECTION_SHARE = 0.35
"""A piece ends at a heading once it is filled to this share; shorter sections join the next one."""
FILL_SHARE = 0.5
"""A cut at a blank line, sentence or line end leaves at least this share of the size."""
COMPACT_CHARS = 16_384

_BLANK = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE = re.compile(r"(?<=[.!?:;。！？])[\"')\]”’»]*\s+")
_LINE = re.compile(r"\n\s*")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading or table row as a reader found it; start is its offset in the text."""

    text: str
    page: int | None = None
    heading: str = ""
    start: int = 0


@dataclass(frozen=True, slots=True)
class ChunkText:
    """text == extracted[start:end]; page and heading are those at its first character."""

    ordinal: int
    text: str
    start: int
    end: int
    page: int | None = None
    heading: str = ""


def indexed_text(document: str, heading: str, text: str) -> str:
    """What is embedded and searched for a chunk: its text, led by where it stands.

    A passage under "Deploy › Gaudi" often does not say Gaudi itself.
    """
    name = re.sub(r"[/\\_.\-]+", " ", document.rpartition(".")[0] or document)
    return f"{name} › {heading}\n{text}" if heading else f"{name}\n{text}"


def chunk_blocks(blocks: Iterable[Block], size: int, overlap: int) -> Iterator[ChunkText]:
    """Pieces of at most `size` characters that share about `overlap` with the piece before.

    blocks must follow each other without gaps. overlap is limited to half the size; pieces
    that start at a heading share nothing. Every character that is not a space at a piece's edge is in
    some piece. Holds about one block and one piece at a time.
    Raises ValueError if size < 1 or overlap < 0.
    """
    if size < 1 or overlap < 0:
        raise ValueError("size must be positive and overlap not negative")
    window = _Window(size, min(overlap, size // 2))
    for block in blocks:
        yield from window.add(block)
    yield from window.finish()


class _Window:
    """The text that is read and not yet cut: text[at:], text[0] being at offset base."""

    def __init__(self, size: int, overlap: int) -> None:
        self.size, self.overlap = size, overlap
        self.text, self.base, self.at = "", 0, 0
        self.covered = 0
        """Index into text of the first character in no piece yet."""
        self.ordinal = 0
        self.offsets: list[int] = []
        self.places: list[tuple[int | None, str]] = []

    def add(self, block: Block) -> Iterator[ChunkText]:
        if not self.text:
            self.base = block.start
        self.offsets.append(self.base + len(self.text))
        self.places.append((block.page, block.heading))
        self.text += block.text
        while self._left() > self.size:
            yield from self._cut()
        self._compact()

    def finish(self) -> Iterator[ChunkText]:
        while self.text[self.covered :].strip():
            self._left()
            yield from self._cut()

    def _left(self) -> int:
        """Characters from the next piece's first one to the end of what is read."""
        self.at, self.covered = self._past_space(self.at), self._past_space(self.covered)
        if self.covered >= self.at + self.size:
            self.at = self.covered
        return len(self.text) - self.at

    def _past_space(self, place: int) -> int:
        match = _SPACE.match(self.text, place)
        return match.end() if match else place

    def _cut(self) -> Iterator[ChunkText]:
        end, section = self._end()
        yield from self._piece(self.at, end)
        self.covered = end
        self.at = end if section else self._next_start(end)

    def _end(self) -> tuple[int, bool]:
        """Where the piece from `at` ends, and whether a section begins there."""
        last = min(self.at + self.size, len(self.text))
        if (section := self._section(last)) is not None:
            return section, True
        if last == len(self.text):
            return last, False
        low = max(self.at + int(self.size * FILL_SHARE), self.covered + 1)
        for boundary in (_BLANK, _SENTENCE, _LINE, _SPACE):
            ends = [match.start() for match in boundary.finditer(self.text, low, last + 1)]
            if ends:
                return min(max(ends[-1], low), last), False
        return last, False

    def _section(self, last: int) -> int | None:
        """The first change of heading that leaves a piece of fair size before it."""
        low = max(self.at + max(1, int(self.size * SECTION_SHARE)), self.covered + 1)
        first = bisect_right(self.offsets, self.base + self.at)
        for number in range(max(first, 1), len(self.offsets)):
            place = self.offsets[number] - self.base
            if place > last:
                return None
            if place >= low and self.places[number][1] != self.places[number - 1][1]:
                return place
        return None

    def _next_start(self, end: int) -> int:
        """The first sentence, line or word that begins within the overlap before `end`."""
        low = max(end - self.overlap, self.at + 1)
        if not self.overlap or low >= end:
            return end
        for boundary in (_SENTENCE, _LINE, _SPACE):
            match = boundary.search(self.text, max(low - 1, 0), end)
            if match and low <= match.end() < end:
                return match.end()
        return end

    def _piece(self, start: int, end: int) -> Iterator[ChunkText]:
        text = self.text[start:end]
        start += len(text) - len(text.lstrip())
        text = text.strip()
        if not text:
            return
        number = bisect_right(self.offsets, self.base + start) - 1
        page, heading = self.places[number]
        offset = self.base + start
        yield ChunkText(self.ordinal, text, offset, offset + len(text), page, heading)
        self.ordinal += 1

    def _compact(self) -> None:
        if self.at < COMPACT_CHARS:
            return
        keep = bisect_right(self.offsets, self.base + self.at) - 1
        del self.offsets[:keep], self.places[:keep]
        self.text = self.text[self.at :]
        self.base += self.at
        self.covered -= self.at
        self.at = 0
