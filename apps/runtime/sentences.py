"""Finds the sentences of a passage: of prose, Markdown, tables, code, and text taken from PDF pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["prose", "heading", "item", "row", "code", "markup"]

_HEADING = re.compile(r"\s{0,3}#{1,6}\s+\S")
_ITEM = re.compile(r"\s*(?:[-*+•‣◦▪●○]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+\S")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_FENCE_LINE = re.compile(r"^[ \t]*(?:```+|~~~+)[ \t]*(?P<info>\S*)", re.MULTILINE)
_ROW = re.compile(r"\s*\|.*\|\s*$")
_RULE = re.compile(r"\s*(?:\|?\s*:?-{3,}:?\s*(?:\|\s*:?-{3,}:?\s*)*\|?|[=*_]{3,})\s*$")
_MARKUP = re.compile(
    r"\s*(?:<!--.*-->|</?\w[^>]*>|!\[[^\]]*\]\([^)]*\)|\[!\[.*\)|\.\. \w+::.*|:\w+:.*|:::.*)+\s*$"
)
_END = re.compile(
    r"(?<=[.!?…])(?:[\"'”’»)\]*_`]{0,3})\s+(?=[\"'“‘«(\[*_`]{0,3}[A-Z0-9À-ÖØ-ÞΑ-ΩЀ-Я])|(?<=[。！？])"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|incl|resp|no|nr|fig|eq|sec|ch|p|pp|vol|ed|al|inc|ltd|co|corp|dr|mr|mrs|ms|prof|st|jr|sr|u\.s|a\.m|p\.m)"
    r"|\b[A-Z])\.$",
    re.IGNORECASE,
)
_TERMINATED = re.compile(r"[.!?:;,。！？…][\"'”’»)\]*_`]*\s*$")
SHORT_LINE = 0.6
"""Share of the longest line below which an unfinished line before a capital stands for itself."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """text == passage[start:end]. block counts paragraphs, lists, tables and code blocks from 0."""

    text: str
    start: int
    end: int
    kind: Kind
    block: int


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    start: int
    kind: Kind | Literal["blank", "rule"]


def sentences(passage: str) -> list[Sentence]:
    """All sentences in order, never empty ones, never overlapping."""
    found: list[Sentence] = []
    for block, (kind, start, end) in enumerate(_blocks(passage)):
        spoken = kind in ("prose", "item")
        for begin, stop in _split(passage, start, end) if spoken else [(start, end)]:
            text = passage[begin:stop]
            begin += len(text) - len(text.lstrip())
            text = text.strip()
            if text:
                found.append(Sentence(text, begin, begin + len(text), kind, block))
    return found


def _blocks(passage: str) -> Iterator[tuple[Kind, int, int]]:
    """(kind, start, end) of paragraphs, items, rows, headings and code blocks."""
    lines = list(_lines(passage))
    longest = max((len(line.text) for line in lines if line.kind == "prose"), default=0)
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if line.kind == "blank" or line.kind == "rule":
            continue
        last = line
        if line.kind in ("prose", "item"):
            while number < len(lines) and lines[number].kind == "prose":
                if _stands_alone(last, lines[number], longest):
                    break
                last = lines[number]
                number += 1
        elif line.kind == "code":
            while number < len(lines) and lines[number].kind == "code":
                last = lines[number]
                number += 1
        yield line.kind, line.start, last.start + len(last.text)


def _stands_alone(line: _Line, following: _Line, longest: int) -> bool:
    """A title or a cell on a page without markup: short, without an end, and a capital follows."""
    short = len(line.text.strip()) < SHORT_LINE * longest
    begins = following.text.lstrip()[:1]
    return (
        short
        and longest > 40
        and not _TERMINATED.search(line.text)
        and (begins.isupper() or begins.isdigit())
    )


def _lines(passage: str) -> Iterator[_Line]:
    start, fenced = 0, _begins_in_code(passage)
    for text in passage.splitlines(keepends=True):
        bare = text.rstrip("\r\n")
        kind: Kind | Literal["blank", "rule"]
        if _FENCE.match(bare):
            fenced, kind = not fenced, "code"
        elif fenced:
            kind = "code"
        elif not bare.strip():
            kind = "blank"
        elif _RULE.match(bare):
            kind = "rule"
        elif _HEADING.match(bare):
            kind = "heading"
        elif _ROW.match(bare):
            kind = "row"
        elif _MARKUP.match(bare):
            kind = "markup"
        elif _ITEM.match(bare):
            kind = "item"
        else:
            kind = "prose"
        yield _Line(bare, start, kind)
        start += len(text)


def _begins_in_code(passage: str) -> bool:
    """Whether the first fence closes a block that an earlier passage opened."""
    fences = list(_FENCE_LINE.finditer(passage))
    if not fences or fences[0]["info"]:
        return False
    if len(fences) > 1:
        return bool(fences[1]["info"])
    before = passage[: fences[0].start()].rstrip()
    return bool(before) and not before.endswith((":", ".", "*", "!", "?"))


def _split(passage: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    begin = start
    for match in _END.finditer(passage, start, end):
        if _ABBREVIATION.search(passage, begin, match.start()):
            continue
        if passage[begin : match.start()].strip().rstrip(".").isdigit():
            continue
        yield begin, match.end()
        begin = match.end()
    if begin < end:
        yield begin, end
