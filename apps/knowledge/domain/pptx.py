"""Presentations: slide by slide, title first, tables as rows, speaker notes at the end of each slide."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apps.knowledge.domain.archives import open_archive
from apps.knowledge.domain.limits import HEADING_CHARS
from apps.knowledge.domain.ooxml import attribute, local, parse_part, relations
from apps.knowledge.domain.parts import Meter, Part
from apps.knowledge.domain.tables import describe_rows

KIND = "presentation"
MAIN = "ppt/presentation.xml"
_FURNITURE = {"sldNum", "dt", "ftr", "sldImg", "hdr"}
"""Placeholders that hold page numbers, dates and pictures of the slide."""


def read_pptx(path: Path, meter: Meter) -> Iterator[Part]:
    with open_archive(path, KIND) as archive:
        slides = _slides(archive)
        for number, part in enumerate(slides, 1):
            meter.pages, meter.share = number, number / len(slides)
            root = parse_part(archive, part, KIND)
            heading = _title(root)[:HEADING_CHARS]
            for text in _shape_texts(root):
                yield Part(text, number, heading)
            notes = [
                target
                for word, target in relations(archive, part, KIND).values()
                if word == "notesSlide"
            ]
            for target in notes:
                spoken = "".join(_shape_texts(parse_part(archive, target, KIND))).strip()
                if spoken:
                    yield Part(f"Notes: {spoken}\n\n", number, heading)


def _slides(archive: zipfile.ZipFile) -> list[str]:
    """Slide parts in the order of the show."""
    targets = relations(archive, MAIN, KIND)
    names = set(archive.namelist())
    found = []
    for element in parse_part(archive, MAIN, KIND).iter():
        if local(element) != "sldId":
            continue
        for key, value in element.attrib.items():
            if key.endswith("}id") and value in targets and targets[value][1] in names:
                found.append(targets[value][1])
    return found


def _title(root: Any) -> str:
    for shape in _shapes(root):
        if _placeholder(shape) in {"title", "ctrTitle"}:
            return " ".join(_paragraphs(shape).split())
    return ""


def _shape_texts(root: Any) -> Iterator[str]:
    for shape in _shapes(root):
        if local(shape) == "tbl":
            yield from describe_rows(_rows(shape))
            yield "\n"
        elif _placeholder(shape) not in _FURNITURE and (text := _paragraphs(shape).strip()):
            yield f"{text}\n\n"


def _shapes(root: Any) -> Iterator[Any]:
    """Text shapes and tables in drawing order, groups opened, fallback copies left out."""
    for child in root:
        name = local(child)
        if name in {"sp", "tbl"}:
            yield child
        elif name != "Fallback":
            yield from _shapes(child)


def _placeholder(shape: Any) -> str:
    for element in shape.iter():
        name = local(element)
        if name == "ph":
            return attribute(element, "type") or "body"
        if name == "txBody":
            break
    return ""


def _rows(table: Any) -> Iterator[list[str]]:
    for row in table:
        if local(row) == "tr":
            yield [_paragraphs(cell) for cell in row if local(cell) == "tc"]


def _paragraphs(element: Any) -> str:
    lines = []
    for paragraph in element.iter():
        if local(paragraph) != "p":
            continue
        runs = []
        for item in paragraph.iter():
            if local(item) == "t":
                runs.append(item.text or "")
            elif local(item) == "br":
                runs.append("\n")
        lines.append("".join(runs))
    return "\n".join(line for line in lines if line.strip())
