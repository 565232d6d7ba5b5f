"""PDF files, page by page, with the bookmarks as headings."""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pypdf import PdfReader
from pypdf.errors import DependencyError, PyPdfError

from apps.knowledge.domain.limits import HEADING_CHARS, PDF_PAGES
from apps.knowledge.domain.parts import Headings, Meter, Part
from apps.knowledge.domain.refusals import Broken, Encrypted, NoText, TooComplex

KIND = "PDF"
LEAST_CHARS = 16
"""Fewer letters in the whole file than this count as no text."""
_SCANNED = (
    "Its pages ({count}) look scanned: run text recognition (OCR) on them and upload the result."
)
FORGET_EVERY = 32
"""Pages after which parsed objects are dropped, so that memory does not grow with the file."""
_DAMAGE = (
    PyPdfError,
    zlib.error,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    AssertionError,
    OverflowError,
    RecursionError,
    NotImplementedError,
    EOFError,
    OSError,
)
"""What pypdf raises on damaged files: there is no common class. MemoryError is not among them."""
_HYPHEN = re.compile(r"(?<=[a-zà-ÿ])[-\u00ad]\n(?=[a-zà-ÿ])")
_SOFT_BREAK = re.compile(r"(?<=[^\n.:;!?])\n(?=[a-zà-ÿ(])")


def read_pdf(path: Path, meter: Meter) -> Iterator[Part]:
    """Text of each page. A page that cannot be read is left out and noted; with none left, Broken.

    Raises Encrypted if a password is needed to open it, NoText for scans, TooComplex past PDF_PAGES.
    """
    logging.getLogger("pypdf").setLevel(logging.ERROR)
    with path.open("rb") as file:
        reader, count = _open(file)
        meter.pages = count
        headings = _bookmarks(reader)
        path_of = Headings()
        letters = failed = 0
        reason = ""
        for number in range(1, count + 1):
            for level, title in headings.get(number, ()):
                path_of.enter(level, title)
            try:
                text = _tidy(reader.pages[number - 1].extract_text())
            except _DAMAGE as error:
                failed += 1
                reason = _plain(error)
                continue
            finally:
                meter.share = number / count
                if number % FORGET_EVERY == 0:
                    reader.resolved_objects.clear()
            letters += len("".join(text.split()))
            if text.strip():
                yield Part(f"{text}\n\n", number, str(path_of)[:HEADING_CHARS])
        if failed == count:
            raise Broken(kind=KIND, reason=reason)
        if failed:
            meter.notes.append(f"{failed} of {count} pages could not be read: {reason}")
        if letters < LEAST_CHARS:
            raise NoText(kind=KIND, advice=_SCANNED.format(count=count))


def _open(file: Any) -> tuple[PdfReader, int]:
    try:
        reader = PdfReader(file)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Encrypted(kind=KIND)
        count = len(reader.pages)
    except DependencyError as error:
        raise Encrypted(kind=KIND) from error
    except _DAMAGE as error:
        raise Broken(kind=KIND, reason=_plain(error)) from error
    if count == 0:
        raise Broken(kind=KIND, reason="it has no pages")
    if count > PDF_PAGES:
        raise TooComplex(kind=KIND, reason=f"{count:,} pages (at most {PDF_PAGES:,})")
    return reader, count


def _bookmarks(reader: PdfReader) -> dict[int, list[tuple[int, str]]]:
    """1-based page -> (level, title) of the bookmarks that point at it; {} where they are damaged."""
    found: dict[int, list[tuple[int, str]]] = {}

    def walk(items: list[Any], level: int) -> None:
        for item in items:
            if isinstance(item, list):
                walk(item, level + 1)
                continue
            page = reader.get_destination_page_number(item)
            if page is not None and page >= 0:
                found.setdefault(page + 1, []).append((level, str(item.title)))

    try:
        walk(reader.outline, 1)
    except _DAMAGE:
        return {}
    return found


def _tidy(text: str) -> str:
    """Words cut at a line's end put together; lines that go on in the middle of a sentence joined."""
    text = _HYPHEN.sub("", text.replace("\r\n", "\n"))
    return _SOFT_BREAK.sub(" ", text).strip()


def _plain(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:160].rstrip(".")
