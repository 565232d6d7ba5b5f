"""Summaries without a language model: the sentences that say most of what the others say, word for word.

A sentence is central if it is near the mean of all of them (the degree of LexRank, with cosines as weights:
https://doi.org/10.1613/jair.1523); of those that say the same, one is taken. They stand in the order of
the text.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.runtime.embedding import Embedder
from apps.runtime.ports import Reply
from apps.runtime.retrieval import similarities
from apps.runtime.sentences import Sentence, sentences
from apps.runtime.terms import STOP_WORDS, WORD, word_terms

MODEL = "extractive"
NOTHING = "The text has no sentence that could be quoted."
CANDIDATES = 300
"""Sentences that are embedded, those with the most telling words; bounds the time of a summary."""
FEWEST_WORDS, MOST_CHARS = 4, 500
REDUNDANCY = 0.5
"""How much likeness to what is chosen already counts against a sentence."""
ASKED, CENTRAL_IF_ASKED = 1.0, 0.4
"""What likeness to what was asked for counts, and being central beside it."""
SAME = 0.95
"""Sentences as like as this say the same; the second is never taken."""
LEAD = 0.08
"""What standing at the very beginning is worth; texts tend to say first what they are about."""


@dataclass(frozen=True, slots=True)
class _Row:
    """place: among all sentences of the text."""

    sentence: Sentence
    place: int
    words: int


def summary_of(
    text: str, words: int, embedder: Embedder | None, asked: str = ""
) -> tuple[list[str], Reply]:
    """The summary in pieces for streaming, and whole, of about `words` words, at least one sentence.

    asked: what the summary should be about, "" for everything. Computes: call it in a thread.
    """
    found = sentences(text)
    rows = [
        _Row(sentence, place, count)
        for place, sentence in enumerate(found)
        if sentence.kind in ("prose", "item")
        and (count := len(WORD.findall(sentence.text))) >= FEWEST_WORDS
        and len(sentence.text) <= MOST_CHARS
        and not sentence.text.rstrip("*_` ").endswith(":")
    ]
    if not rows:
        return [NOTHING], Reply(NOTHING, (), "stop", MODEL, generated=False)
    rows = _telling(rows)
    vectors, question = _vectors([row.sentence.text for row in rows], asked, embedder)
    chosen = _chosen(rows, vectors, question, words, len(found))
    pieces = _pieces(chosen)
    return pieces, Reply("".join(pieces), (), "stop", MODEL, generated=False)


def _telling(rows: list[_Row]) -> list[_Row]:
    """At most CANDIDATES of them, by the mean weight of their words, in their order."""
    if len(rows) <= CANDIDATES:
        return rows
    counts = Counter(term for row in rows for term in _terms(row.sentence.text))
    weights = {
        row.place: sum(math.log1p(counts[term]) for term in _terms(row.sentence.text)) / row.words
        for row in rows
    }
    best = sorted(rows, key=lambda row: (-weights[row.place], row.place))[:CANDIDATES]
    return sorted(best, key=lambda row: row.place)


def _chosen(
    rows: Sequence[_Row],
    vectors: NDArray[np.float32],
    question: NDArray[np.float32] | None,
    words: int,
    count: int,
) -> list[_Row]:
    weights = similarities(vectors, vectors.mean(axis=0))
    weights = weights / (float(weights.max()) or 1.0)
    weights = weights + LEAD * np.array([1 - row.place / count for row in rows], np.float32)
    if question is not None:
        weights = CENTRAL_IF_ASKED * weights + ASKED * similarities(vectors, question)
    likeness = np.zeros(len(rows), np.float32)
    open_places = np.ones(len(rows), bool)
    chosen: list[_Row] = []
    left = words
    while open_places.any():
        scores = np.where(open_places, weights - REDUNDANCY * likeness, -np.inf)
        best = int(scores.argmax())
        open_places[best] = False
        if chosen and (rows[best].words > left or likeness[best] >= SAME):
            continue
        chosen.append(rows[best])
        left -= rows[best].words
        likeness = np.maximum(likeness, similarities(vectors, vectors[best]))
        if left <= 0:
            break
    return sorted(chosen, key=lambda row: row.place)


def _pieces(chosen: Sequence[_Row]) -> list[str]:
    """Sentences of one paragraph stay together, with a sign where some between them are left out."""
    pieces: list[str] = []
    for before, row in zip([None, *chosen], chosen, strict=False):
        gap = ""
        if before:
            same = before.sentence.block == row.sentence.block and row.sentence.kind == "prose"
            next_to = row.place == before.place + 1
            gap = (" " if next_to else " […] ") if same else "\n\n"
        pieces.append(gap + row.sentence.text)
    return pieces


def _vectors(
    texts: list[str], asked: str, embedder: Embedder | None
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Normalised rows of the texts, and of what was asked."""
    wanted = [asked] if asked.strip() else []
    if embedder is not None:
        vectors = embedder.embed([*texts, *wanted])
    else:
        vectors = _counted([*texts, *wanted])
    return vectors[: len(texts)], vectors[-1] if wanted else None


def _counted(texts: Sequence[str]) -> NDArray[np.float32]:
    """By words, rare ones weighing more, where no embedding is at hand."""
    found = [Counter(_terms(text)) for text in texts]
    spread = Counter(term for one in found for term in one)
    places = {term: place for place, term in enumerate(sorted(spread))}
    vectors = np.zeros((len(texts), max(1, len(places))), np.float32)
    for row, one in enumerate(found):
        for term, count in one.items():
            vectors[row, places[term]] = count * math.log1p(len(texts) / spread[term])
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: NDArray[np.float32] = (vectors / np.where(norms == 0, 1, norms)).astype(np.float32)
    return result


def _terms(text: str) -> list[str]:
    return [word_terms(word)[0] for word in WORD.findall(text) if word.casefold() not in STOP_WORDS]
