"""Reads the marks [n] of an answer and finds the words of the passage that stand behind each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from apps.runtime.events import Citation, Passage
from apps.runtime.sentences import sentences
from apps.runtime.terms import query_terms, terms

_MARK = re.compile(r"\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\](?!\()")
_CODE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`", re.DOTALL)
SUPPORT = 0.5
"""Share of a statement's words that a sentence of the passage must hold to be shown as its source."""


def citations_of(text: str, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """One citation per number that stands in the text and among the passages, by first mention.

    Marks in code and numbers without a passage are left out. The quote is the passage's sentence
    nearest to the statement before the mark, or empty where none is near.
    """
    plain = _CODE.sub(lambda match: " " * len(match[0]), text)
    found: dict[int, Citation] = {}
    last = 0
    for match in _MARK.finditer(plain):
        statement = plain[last : match.start()]
        if statement.strip(" .,;\n"):
            last = match.end()
        for number in (int(part) for part in re.split(r"[,;]", match[1])):
            if 1 <= number <= len(passages) and number not in found:
                found[number] = _citation(number, passages[number - 1], statement)
    return tuple(found.values())


def _citation(number: int, passage: Passage, statement: str) -> Citation:
    last = next(reversed(sentences(statement)), None)
    wanted = set(query_terms(last.text)) if last else set()
    if not wanted:
        return Citation(number, passage)
    shares = [
        (len(wanted & set(terms(sentence.text))) / len(wanted), -place, sentence)
        for place, sentence in enumerate(sentences(passage.text))
    ]
    share, _, best = max(shares, default=(0.0, 0, None))
    if best is None or share < SUPPORT:
        return Citation(number, passage)
    return Citation(number, passage, best.text, best.start, best.end)
