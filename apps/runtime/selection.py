"""Which of the passages found are handed on: those similar enough, and not all of one kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apps.runtime.events import Passage
from apps.runtime.resources import RetrievalMode

Vectors = NDArray[np.float32]

CANDIDATES, CANDIDATES_PER_PASSAGE = 20, 4
"""How many passages are looked at for a diverse choice: at least so many, and so many for each."""


def candidates(k: int, diversity: float) -> int:
    """How many to search for, to choose k of them."""
    return max(CANDIDATES, CANDIDATES_PER_PASSAGE * k) if diversity > 0 else k


def fits(
    passages: Sequence[Passage], mode: RetrievalMode, cosines: Vectors | None
) -> NDArray[np.float64]:
    """How well each passage fits the question, on the scale of `min_score`.

    dense, hybrid   cosine of the question's and the passage's vectors; 1 is the same meaning. (The score
                    of a hybrid search is a sum of reciprocal ranks, which says nothing about fit.)
    lexical         share of the best passage's BM25 score, which has no upper end of its own
    cosines: where the mode has them.
    """
    scores = np.array([passage.score for passage in passages], np.float64)
    if mode == "lexical":
        best = scores.max(initial=0.0)
        return scores / best if best > 0 else scores
    if mode == "dense" or cosines is None:
        return scores
    return cosines.astype(np.float64)


def diverse(
    passages: Sequence[Passage], vectors: Vectors, k: int, diversity: float
) -> list[Passage]:
    """k passages by maximal marginal relevance, the best one first.

    Carbonell and Goldstein, "The Use of MMR" (SIGIR 1998): each next one has the greatest
    (1 - diversity) * relevance - diversity * (greatest cosine to one already chosen). Relevance is the
    retriever's score, stretched to [0, 1] over these passages, because its own scale differs by mode.

    vectors     (n, d), L2-normalised, one for each passage
    diversity   0 keeps the retriever's order, 1 looks at differences alone after the first
    """
    if not passages or k < 1:
        return []
    scores = np.array([passage.score for passage in passages], np.float64)
    spread = scores.max() - scores.min()
    relevance = (scores - scores.min()) / spread if spread > 0 else np.ones(len(scores))
    chosen = [int(np.argmax(relevance))]
    nearest = np.full(len(passages), -1.0)
    while len(chosen) < min(k, len(passages)):
        cosines = np.einsum("ij,j->i", vectors, vectors[chosen[-1]])
        nearest = np.maximum(nearest, cosines)
        worth = (1 - diversity) * relevance - diversity * nearest
        worth[chosen] = -np.inf
        chosen.append(int(np.argmax(worth)))
    return [passages[place] for place in chosen]
