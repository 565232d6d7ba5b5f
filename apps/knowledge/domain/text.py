"""Plain text and Markdown: kept as they are, cut into paragraphs, headings remembered."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

from apps.knowledge.domain.limits import BLOCK_CHARS
from apps.knowledge.domain.media import text_charset
from apps.knowledge.domain.parts import Headings, Meter, Part

_ATX = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_SETEXT = re.compile(r" {0,3}(=+|-{2,})\s*$")


def read_text(path: Path, meter: Meter) -> Iterator[Part]:
    yield from (Part(text) for text in _paragraphs(lines(path, meter)))


def read_markdown(path: Path, meter: Meter) -> Iterator[Part]:
    """Paragraphs with their headings' path. Fenced code and front matter hold no headings."""
    headings, fence, paragraph = Headings(), "", ""
    matter = True  # still possible that the file starts with front matter
    for number, line in enumerate(lines(path, meter)):
        if matter and number == 0 and line.rstrip() == "---":
            fence = "---"
            paragraph = line
            continue
        matter = False
        if fence:
            paragraph += line
            if _closes(line, fence) or len(paragraph) > BLOCK_CHARS:
                fence = "" if _closes(line, fence) else fence
                yield Part(paragraph, heading=str(headings))
                paragraph = ""
            continue
        if opened := _FENCE.match(line):
            fence = opened[1]
            paragraph += line
        elif heading := _ATX.match(line):
            if paragraph:
                yield Part(paragraph, heading=str(headings))
            headings.enter(len(heading[1]), _plain(heading[2]))
            yield Part(line, heading=str(headings))
            paragraph = ""
        elif _SETEXT.match(line) and _is_title(paragraph):
            headings.enter(1 if line.lstrip().startswith("=") else 2, _plain(paragraph))
            yield Part(paragraph + line, heading=str(headings))
            paragraph = ""
        else:
            paragraph += line
            if not line.strip() or len(paragraph) > BLOCK_CHARS:
                yield Part(paragraph, heading=str(headings))
                paragraph = ""
    if paragraph:
        yield Part(paragraph, heading=str(headings))


def lines(path: Path, meter: Meter) -> Iterator[str]:
    """Lines with "\\n" at the end, at most BLOCK_CHARS each, in the file's own character set."""
    size = max(path.stat().st_size, 1)
    charset = text_charset(path)
    with (
        path.open("rb") as raw,
        io.TextIOWrapper(raw, charset.name, "replace", newline=None) as file,
    ):
        number = 0
        while line := file.readline(BLOCK_CHARS):
            number += 1
            if number % 256 == 0:
                meter.share = raw.tell() / size
            yield line


def _paragraphs(source: Iterator[str]) -> Iterator[str]:
    """Runs of lines up to and with the blank lines that end them."""
    paragraph: list[str] = []
    length, ended = 0, False
    for line in source:
        blank = not line.strip()
        if paragraph and ((ended and not blank) or length > BLOCK_CHARS // 2):
            yield "".join(paragraph)
            paragraph, length, ended = [], 0, False
        paragraph.append(line)
        length += len(line)
        ended = ended or blank
    if paragraph:
        yield "".join(paragraph)


def _closes(line: str, fence: str) -> bool:
    text = line.strip()
    return len(text) >= len(fence) and not text.strip(fence[0])


def _is_title(paragraph: str) -> bool:
    text = paragraph.strip()
    return bool(text) and "\n" not in text and not text.startswith(("|", "-", "*", ">", "#"))


def _plain(title: str) -> str:
    """A heading without its Markdown: links become their text, marks of emphasis go."""
    title = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[*_`]+|<[^>]*>", "", title).strip()
