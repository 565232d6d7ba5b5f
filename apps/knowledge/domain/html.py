"""Web pages: what a reader sees of them, in order, with headings; scripts and navigation left out."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable, Iterator
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
PIECE_CHARS = 32_768
"""Text given to the parser at once."""
WAITING_PIECES = 4
"""Pieces whose parts wait for a slow taker before the parser waits."""
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def read_html(path: Path, meter: Meter) -> Iterator[Part]:
    """Parsed as a stream: a page of 100 MB takes no more memory than one of 100 kB.

    The parser pulls its text, in a thread of its own. Pushed into it (`feed`), libxml2 2.14 keeps all of
    the text to the end.
    """
    taken = _Handover()
    parsing = threading.Thread(target=_parse, args=(path, meter, taken), daemon=True)
    parsing.start()
    try:
        yield from taken.parts()
    finally:
        taken.stop()
        parsing.join()


def _parse(path: Path, meter: Meter, handover: _Handover) -> None:
    page = _Page()
    source = _Source(_pieces(lines(path, meter)), lambda: handover.give(list(page.take())))
    parser = etree.HTMLParser(target=page, huge_tree=True, encoding="utf-8")
    try:
        with suppress(etree.XMLSyntaxError):  # nothing but white space: the caller says "no text"
            etree.parse(source, parser)
        page.finish()
        handover.give(list(page.take()))
        handover.give(None)
    except Exception as error:  # noqa: BLE001 - raised again where the parts are taken
        handover.give(error)


def _pieces(source: Iterator[str]) -> Iterator[bytes]:
    """The text as UTF-8. An XML declaration in front of XHTML names a charset that no longer holds."""
    waiting: list[str] = []
    length, first = 0, True
    for line in source:
        waiting.append(line)
        length += len(line)
        if length >= PIECE_CHARS:
            text = "".join(waiting)
            yield (_XML_DECLARATION.sub("", text) if first else text).encode("utf-8", "replace")
            waiting, length, first = [], 0, False
    text = "".join(waiting)
    yield (_XML_DECLARATION.sub("", text) if first else text).encode("utf-8", "replace")


class _Source:
    """What the parser reads from. Before each piece, what came of the earlier ones is handed on."""

    def __init__(self, pieces: Iterator[bytes], hand_on: Callable[[], bool]) -> None:
        self._pieces, self._hand_on = pieces, hand_on

    def read(self, size: int) -> bytes:
        return next(self._pieces, b"") if self._hand_on() else b""


class _Handover:
    """Carries parts from the parser's thread to the reader's. None ends them, an error is raised."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[list[Part] | Exception | None] = queue.Queue(WAITING_PIECES)
        self._stopped = False

    def give(self, parts: list[Part] | Exception | None) -> bool:
        """Wait until there is room. False once nobody takes any more."""
        while not self._stopped:
            with suppress(queue.Full):
                self._waiting.put(parts, timeout=0.1)
                return True
        return False

    def parts(self) -> Iterator[Part]:
        while (given := self._waiting.get()) is not None:
            if isinstance(given, Exception):
                raise given
            yield from given

    def stop(self) -> None:
        self._stopped = True


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
