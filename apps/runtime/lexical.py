"""BM25 over arrays: postings by term, weights computed at once, fast to build and to extend."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from apps.runtime.terms import WORD, query_terms, word_terms

K1, B = 1.2, 0.75
"""Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009)."""

FLUSH_TERMS = 500_000

Integers = NDArray[np.int32]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Counts:
    """How often which term stands in which text: three arrays of one length, sorted by (term, text).

    lengths   terms per text
    """

    vocabulary: dict[str, int]
    terms: Integers
    texts: Integers
    counts: Integers
    lengths: Integers


class LexicalIndex:
    """Scores texts, known by their position, for a question.

    weight(t, d) = ln(1 + (N - n + 0.5) / (n + 0.5)) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * |d| / avg))
    """

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.size = len(counts.lengths)
        self._starts = np.searchsorted(counts.terms, np.arange(len(counts.vocabulary) + 1))
        self._weights = self._weigh()

    @classmethod
    def build(cls, texts: Iterable[str]) -> Self:
        return cls(_count(texts, {}))

    def _weigh(self) -> Floats:
        counts = self.counts
        found = np.diff(self._starts).astype(np.float32)
        idf = np.log1p((self.size - found + 0.5) / (found + 0.5))
        average = max(1.0, float(counts.lengths.mean())) if self.size else 1.0
        norms = (K1 * (1 - B + B * counts.lengths / average)).astype(np.float32)
        tf = counts.counts.astype(np.float32)
        tf *= (K1 + 1) / (tf + norms[counts.texts])
        tf *= idf.astype(np.float32)[counts.terms]
        return tf

    def scores(self, question: str) -> Floats:
        """One BM25 score per text; 0 where no term of the question stands in it."""
        scores = np.zeros(self.size, np.float32)
        for term in query_terms(question):
            number = self.counts.vocabulary.get(term)
            if number is not None:
                part = slice(self._starts[number], self._starts[number + 1])
                scores[self.counts.texts[part]] += self._weights[part]
        return scores

    def extended(self, keep: Integers, texts: Iterable[str]) -> LexicalIndex:
        """An index of the kept texts, by ascending position, followed by new ones.

        Only the new texts are read.
        """
        old = self.counts
        new = _count(texts, dict(old.vocabulary))
        places = np.full(self.size, -1, np.int32)
        places[keep] = np.arange(len(keep), dtype=np.int32)
        kept = places[old.texts] >= 0
        terms = np.concatenate([old.terms[kept], new.terms])
        order = np.argsort(terms, kind="stable")
        return LexicalIndex(
            Counts(
                vocabulary=new.vocabulary,
                terms=terms[order],
                texts=np.concatenate([places[old.texts[kept]], new.texts + np.int32(len(keep))])[
                    order
                ],
                counts=np.concatenate([old.counts[kept], new.counts])[order],
                lengths=np.concatenate([old.lengths[keep], new.lengths]),
            )
        )

    def save(self, folder: Path) -> None:
        counts = self.counts
        (folder / "vocabulary.txt").write_text("\n".join(counts.vocabulary), encoding="utf-8")
        for name in ("terms", "texts", "counts", "lengths"):
            np.save(folder / f"{name}.npy", getattr(counts, name))

    @classmethod
    def load(cls, folder: Path) -> Self:
        words = (folder / "vocabulary.txt").read_text(encoding="utf-8")
        arrays = {
            name: np.load(folder / f"{name}.npy", allow_pickle=False)
            for name in ("terms", "texts", "counts", "lengths")
        }
        vocabulary = {
            word: number for number, word in enumerate(words.split("\n") if words else [])
        }
        return cls(Counts(vocabulary=vocabulary, **arrays))


class _Numbers(dict[str, list[int]]):
    """Word as written -> numbers of its terms; a word met first numbers its terms in the vocabulary."""

    def __init__(self, vocabulary: dict[str, int]) -> None:
        super().__init__()
        self._vocabulary = vocabulary

    def __missing__(self, word: str) -> list[int]:
        known = self._vocabulary
        numbers = [known.setdefault(term, len(known)) for term in word_terms(word)]
        self[word] = numbers
        return numbers


def _count(texts: Iterable[str], vocabulary: dict[str, int]) -> Counts:
    """Count the texts' terms; vocabulary grows in place. Holds a part of the texts' terms at a time."""
    numbers_of = _Numbers(vocabulary).__getitem__
    lengths: list[int] = []
    keys: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    counts: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    numbers = array("q")
    first = 0

    def flush() -> None:
        places = np.repeat(np.arange(first, len(lengths), dtype=np.int64), lengths[first:])
        found = np.unique((np.frombuffer(numbers, np.int64) << 32) | places, return_counts=True)
        keys.append(found[0])
        counts.append(found[1])

    for text in texts:
        before = len(numbers)
        numbers.extend(chain.from_iterable(map(numbers_of, WORD.findall(text))))
        lengths.append(len(numbers) - before)
        if len(numbers) > FLUSH_TERMS:
            flush()
            first, numbers = len(lengths), array("q")
    flush()
    whole = np.concatenate(keys)
    order = np.argsort(whole, kind="stable")
    return Counts(
        vocabulary=vocabulary,
        terms=(whole[order] >> 32).astype(np.int32),
        texts=(whole[order] & 0xFFFFFFFF).astype(np.int32),
        counts=np.concatenate(counts)[order].astype(np.int32),
        lengths=np.array(lengths, np.int32),
    )
