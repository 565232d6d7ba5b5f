"""Word documents, read as a stream of paragraphs and table rows."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apps.knowledge.domain.archives import UNREADABLE, open_archive
from apps.knowledge.domain.ooxml import attribute, drop, local, parse_part, relations, stream_part
from apps.knowledge.domain.parts import Headings, Meter, Part
from apps.knowledge.domain.refusals import Broken
from apps.knowledge.domain.tables import describe_rows

KIND = "Word document"
MAIN = "word/document.xml"
_HEADING_NAME = re.compile(r"(?:heading|überschrift|titre|título|titolo)\s*([1-9])$", re.I)
_NOTES = {"footnotes": "Footnotes", "endnotes": "Endnotes"}
_MARGINS = {"header": "Page header", "footer": "Page footer"}
_PAGE_MARK = b"lastRenderedPageBreak"


def read_docx(path: Path, meter: Meter) -> Iterator[Part]:
    """Body in order, then notes, then page headers and footers once each.

    Pages are numbered where Word left its page marks in the file; other programs leave none.
    """
    with open_archive(path, KIND) as archive:
        levels = _heading_levels(archive)
        paged = _has_page_marks(archive)
        headings = Headings()
        page = 1
        for element in _top_level(archive, MAIN, "body"):
            leading, later = _page_marks(element)
            page += leading
            number = page if paged else None
            if local(element) == "tbl":
                for line in describe_rows(_rows(element)):
                    yield Part(line, number, str(headings))
                yield Part("\n", number, str(headings))
            elif text := _text(element).strip():
                style = _style(element)
                if level := levels.get(style, 0) or _own_level(element):
                    headings.enter(level, text)
                ending = "\n" if _is_item(element) else "\n\n"
                mark = "- " if ending == "\n" else ""
                yield Part(f"{mark}{text}{ending}", number, str(headings))
            page += later
            meter.pages = page if paged else 0
        yield from _beside(archive)


def _beside(archive: zipfile.ZipFile) -> Iterator[Part]:
    """Notes, headers and footers. The same header in every section is said once."""
    said = set()
    names = set(archive.namelist())
    for word, part in sorted(relations(archive, MAIN, KIND).values()):
        title = _NOTES.get(word) or _MARGINS.get(word)
        if not title or part not in names:
            continue
        for element in parse_part(archive, part, KIND).iter():
            if local(element) != "p":
                continue
            text = _text(element).strip()
            if text and not text.isdecimal() and (word in _NOTES or text not in said):
                said.add(text)
                yield Part(f"{text}\n\n", None, title)


def _top_level(archive: zipfile.ZipFile, part: str, container: str) -> Iterator[Any]:
    """Paragraphs and tables that lie in no other paragraph or table; each is freed after use."""
    depth, inside = 0, False
    for event, element in stream_part(archive, part, KIND, ("start", "end")):
        name = local(element)
        if name == container:
            inside = event == "start"
        if not inside or name not in {"p", "tbl"}:
            continue
        if event == "start":
            depth += 1
            continue
        depth -= 1
        if depth == 0:
            yield element
            drop(element)


def _rows(table: Any) -> Iterator[list[str]]:
    for row in _children(table, "tr"):
        yield [" ".join(_text(cell).split()) for cell in _children(row, "tc")]


def _children(element: Any, name: str) -> Iterator[Any]:
    """Children of that name, also inside content controls."""
    for child in element:
        tag = local(child)
        if tag == name:
            yield child
        elif tag in {"sdt", "sdtContent", "ins", "customXml"}:
            yield from _children(child, name)


def _page_marks(element: Any) -> tuple[int, int]:
    """Page breaks before the element's first text and after it."""
    leading = later = 0
    written = False
    for child in element.iter():
        name = local(child)
        if name == "lastRenderedPageBreak":
            leading, later = (leading, later + 1) if written else (leading + 1, later)
        written = written or (name == "t" and bool(child.text))
    return leading, later


def _text(element: Any) -> str:
    """Visible text: deletions are not in it, a text box once although the file holds it twice."""
    pieces: list[str] = []
    _collect(element, pieces)
    return "".join(pieces)


def _collect(element: Any, pieces: list[str]) -> None:
    for child in element:
        name = local(child)
        if name == "t":
            pieces.append(child.text or "")
        elif name == "tab":
            pieces.append("\t")
        elif name in {"br", "cr"}:
            pieces.append("\n")
        elif name == "noBreakHyphen":
            pieces.append("-")
        elif name in {"Fallback", "pPr", "rPr", "del", "moveFrom", "instrText"}:
            continue
        else:
            _collect(child, pieces)
            if name in {"p", "tr"}:
                pieces.append("\n")
            elif name == "tc":
                pieces.append(" ")


def _property(paragraph: Any, name: str) -> Any:
    for child in paragraph:
        if local(child) == "pPr":
            return next((item for item in child if local(item) == name), None)
    return None


def _style(paragraph: Any) -> str:
    found = _property(paragraph, "pStyle")
    return (attribute(found, "val") or "") if found is not None else ""


def _own_level(paragraph: Any) -> int:
    found = _property(paragraph, "outlineLvl")
    return _level(attribute(found, "val")) if found is not None else 0


def _is_item(paragraph: Any) -> bool:
    return _property(paragraph, "numPr") is not None or _style(paragraph).startswith("List")


def _level(value: str | None) -> int:
    """Outline levels count from 0; 9 means body text."""
    return int(value) + 1 if value and value.isdecimal() and int(value) < 9 else 0


def _heading_levels(archive: zipfile.ZipFile) -> dict[str, int]:
    """Style id -> heading level, by the style's outline level, its name, or the style it is based on."""
    if "word/styles.xml" not in archive.namelist():
        return {}
    levels: dict[str, int] = {}
    parents: dict[str, str] = {}
    for style in parse_part(archive, "word/styles.xml", KIND):
        if local(style) != "style":
            continue
        style_id = attribute(style, "styleId") or ""
        for child in style:
            name, value = local(child), attribute(child, "val") or ""
            if name == "basedOn":
                parents[style_id] = value
            elif name == "name" and (found := _HEADING_NAME.match(value)):
                levels[style_id] = int(found[1])
            elif name == "name" and value.lower() == "title":
                levels[style_id] = 1
            elif name == "pPr":
                for item in child:
                    if local(item) == "outlineLvl" and (level := _level(attribute(item, "val"))):
                        levels[style_id] = level
    for style_id in parents:
        seen, at = set(), style_id
        while at not in levels and at in parents and at not in seen:
            seen.add(at)
            at = parents[at]
        if at in levels:
            levels.setdefault(style_id, levels[at])
    return levels


def _has_page_marks(archive: zipfile.ZipFile) -> bool:
    carry = b""
    try:
        with archive.open(MAIN) as file:
            while piece := file.read(1 << 20):
                if _PAGE_MARK in carry + piece:
                    return True
                carry = piece[-len(_PAGE_MARK) :]
    except UNREADABLE as error:
        raise Broken(kind=KIND, reason=str(error)[:160]) from error
    return False
