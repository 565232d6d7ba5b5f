"""How far an answer rests on the passages it was given. Deterministic: the same text, the same value.

Method. The score is K-Precision of Adlakha et al. 2024 ("Evaluating Correctness and Faithfulness of
Instruction-Following Models for Question Answering", TACL 12): the share of the answer's words
that occur in the retrieved passages, here over content words. Beside it stand the share of the answer that
is quoted word for word (coverage by extractive fragments, Grusky, Naaman and Artzi 2018,
"Newsroom", section 4, for fragments of at least `QUOTE_WORDS` words) and the figures and names
of the answer that neither passages nor question mention. It sees words, not meaning: a negation or a
wrong pairing of true words passes, a good paraphrase loses points.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from apps.evaluations.domain.tokens import (
    STOPWORDS,
    content_tokens,
    rouge_tokens,
    strip_citations,
)

QUOTE_WORDS = 4
"""Shortest run of words that counts as a quotation; shorter runs are shared by chance."""
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*")
_LIST_MARK = re.compile(r"^\s*\d{1,2}[.)]\s+", re.MULTILINE)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+|\n+|^\s*[-*•]\s+", re.MULTILINE)
_NAME = re.compile(r"[^\W\d_][\w'’-]*")


@dataclass(frozen=True, slots=True)
class Grounding:
    """score        share of the answer's content words found in the passages; NaN where there is nothing
                    to compare
    quoted          share of the answer's words inside quotations of the passages
    unsupported     figures and names of the answer found in neither passages nor question
    """

    score: float
    quoted: float
    unsupported: tuple[str, ...] = ()


def grounding(answer: str, passages: Sequence[str], question: str = "") -> Grounding:
    """Compare an answer with the passages its application retrieved."""
    text = _LIST_MARK.sub("", strip_citations(answer))
    words = content_tokens(text)
    if not words or not passages:
        return Grounding(math.nan, math.nan)
    known = {word for passage in passages for word in rouge_tokens(passage)}
    return Grounding(
        score=sum(word in known for word in words) / len(words),
        quoted=quoted_share(rouge_tokens(text), [rouge_tokens(passage) for passage in passages]),
        unsupported=_unsupported(text, known, [*passages, question]),
    )


def quoted_share(
    answer: Sequence[str], passages: Sequence[Sequence[str]], shortest: int = QUOTE_WORDS
) -> float:
    """Share of the answer's words that lie in runs of `shortest` or more words of one passage."""
    if not answer:
        return math.nan
    runs = {
        tuple(passage[start : start + shortest])
        for passage in passages
        for start in range(len(passage) - shortest + 1)
    }
    covered = [False] * len(answer)
    for start in range(len(answer) - shortest + 1):
        if tuple(answer[start : start + shortest]) in runs:
            covered[start : start + shortest] = [True] * shortest
    return sum(covered) / len(answer)


def _unsupported(text: str, known: set[str], sources: Sequence[str]) -> tuple[str, ...]:
    figures = {_value(match) for source in sources for match in _NUMBER.findall(source)}
    missing = [match for match in _NUMBER.findall(text) if _value(match) not in figures]
    words = known | set(rouge_tokens(sources[-1]))
    missing += [name for name in _names(text) if not set(rouge_tokens(name)) <= words]
    return tuple(dict.fromkeys(missing))


def _value(figure: str) -> str:
    """One spelling per number: 1,000 and 1000 and 1000.0 are the same."""
    plain = figure.replace(",", "") if _GROUPED.fullmatch(figure) else figure
    if plain.count(".") > 1 or "," in plain or len(plain) > 40:
        return plain
    return format(Decimal(plain).normalize(), "f")


def _names(text: str) -> list[str]:
    """Capitalised words that do not open a sentence, and words in capitals anywhere."""
    names: list[str] = []
    for sentence in _SENTENCE_END.split(text):
        for index, word in enumerate(_NAME.findall(sentence or "")):
            shouted = len(word) > 1 and word.isupper()
            if (index and word[0].isupper()) or shouted:
                names.append(word)
    return [name for name in names if name.lower() not in STOPWORDS]
