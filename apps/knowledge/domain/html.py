"""Web pages: what a reader sees of them, in order, with headings; scripts and navigation left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from lxml import etree

from apps.knowledge.domain.limits import BLOCK_CHARS
from apps.knowledge.domain.parts import Headings, Meter, Part
from apps.knowledge.domain.tables import describe_rows
from apps.knowledge.domain.text import lines


def _names(tags: str) -> frozenset[str]:
    return frozenset(tags.split())


_SKIPPED = _names(
    "script style nav noscript template svg iframe object embed select button canvas dialog"
)
_BLOCKS = _names(
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption "
    "figure footer form header hr html li main ol p pre section summary table tbody tfoot thead "
    "title tr ul"
)
_VOID = _names("area base br col embed hr img input link meta param source track wbr")
_HEADING = re.compile(r"h([1-6])$")
_SPACES = re.compile(r"[ \t\r\n\f\u00a0]+")
_FEED_LINES = 64


def read_html(path: Path, meter: Meter) -> Iterator[Part]:
    """Parsed as a stream: a page of 100 MB takes no more memory than one of 100 kB."""
    target = _Page()
    parser = etree.HTMLParser(target=target, huge_tree=True)
    waiting: list[str] = []
    for line in lines(path, meter):
        waiting.append(line)
        if len(waiting) >= _FEED_LINES or len(line) > 4096:
            _feed(parser, waiting)
            yield from target.take()
    _feed(parser, waiting)
    with suppress(etree.XMLSyntaxError):  # nothing but white space: the caller says "no text"
        parser.close()
    target.finish()
    yield from target.take()


def _feed(parser: etree.HTMLParser, waiting: list[str]) -> None:
    # An XML declaration in front of XHTML names a charset that no longer holds for decoded text.
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", "".join(waiting))
    waiting.clear()
    if text:
        parser.feed(text)


class _Page:
    """Parser target: collects text per block and rows per table."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._text: list[str] = []
        self._length = 0
        self._skipping = 0
        self._preformatted = 0
        self._heading_level = 0
        self._headings = Headings()
        self._tables: list[list[list[str]]] = []
        self._cell = False

    def take(self) -> Iterator[Part]:
        parts, self._parts = self._parts, []
        return iter(parts)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._skipping or tag in _SKIPPED or attributes.get("role") == "navigation":
            # Void elements never end, so only elements with an end are counted.
            self._skipping += tag not in _VOID
            return
        if heading := _HEADING.match(tag):
            self._flush()
            self._heading_level = int(heading[1])
        elif tag == "table":
            self._flush()
            self._tables.append([])
        elif self._tables and tag == "tr":
            self._end_cell()
            self._flush_long_table()
            self._tables[-1].append([])
        elif self._tables and tag in {"td", "th"}:
            self._end_cell()
            self._cell = True
        elif tag == "br":
            self._add("\n")
        elif tag in _BLOCKS:
            if self._cell:
                self._add(" ")
            else:
                self._flush()
                if tag == "li":
                    self._add("- ")
        if tag == "pre":
            self._preformatted += 1

    def end(self, tag: str) -> None:
        if self._skipping:
            self._skipping -= tag not in _VOID
            return
        if _HEADING.match(tag):
            self._end_heading()
        elif tag == "table" and self._tables:
            self._end_cell()
            self._end_table()
        elif tag in {"td", "th", "tr"} and self._tables:
            self._end_cell()
        elif tag in _BLOCKS and not self._cell:
            self._flush()
        if tag == "pre" and self._preformatted:
            self._preformatted -= 1

    def data(self, data: str) -> None:
        if not self._skipping:
            self._add(data if self._preformatted else _SPACES.sub(" ", data))

    def comment(self, text: str) -> None:
        pass

    def pi(self, target: str, data: str | None = None) -> None:
        pass

    def close(self) -> None:
        pass

    def finish(self) -> None:
        while self._tables:
            self._end_cell()
            self._end_table()
        self._flush()

    def _add(self, text: str) -> None:
        self._text.append(text)
        self._length += len(text)
        if self._length > BLOCK_CHARS and not self._cell:
            self._flush()

    def _taken(self) -> str:
        text = "".join(self._text)
        self._text.clear()
        self._length = 0
        return text if self._preformatted else re.sub(r" *\n *", "\n", text)

    def _flush(self) -> None:
        if self._heading_level:
            self._end_heading()
            return
        text = self._taken()
        if text.strip(" \n-"):
            shown = text.rstrip() if self._preformatted else text.strip()
            ending = "\n" if shown.startswith("- ") else "\n\n"
            self._parts.append(Part(shown + ending, heading=str(self._headings)))

    def _end_heading(self) -> None:
        text = " ".join(self._taken().split())
        level, self._heading_level = self._heading_level, 0
        if text:
            self._headings.enter(level, text)
            self._parts.append(Part(f"{text}\n\n", heading=str(self._headings)))

    def _end_cell(self) -> None:
        if self._cell:
            self._cell = False
            rows = self._tables[-1]
            if not rows:
                rows.append([])
            rows[-1].append(" ".join(self._taken().split()))

    def _end_table(self) -> None:
        rows = self._tables.pop()
        if self._tables:  # a table inside a table is a cell of the outer one
            self._add(" ; ".join(" ".join(filter(None, row)) for row in rows))
            self._cell = bool(self._tables[-1])
            return
        for line in describe_rows(rows):
            self._parts.append(Part(line, heading=str(self._headings)))
        if rows:
            self._parts.append(Part("\n", heading=str(self._headings)))

    def _flush_long_table(self) -> None:
        """Hand on a long table in pieces, each with the header row in mind."""
        rows = self._tables[-1]
        if len(self._tables) == 1 and len(rows) > 500:
            for line in describe_rows(rows):
                self._parts.append(Part(line, heading=str(self._headings)))
            self._tables[-1] = [rows[0]]
