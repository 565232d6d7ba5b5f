"""Search over chunks in memory: BM25, vectors, and both by reciprocal rank fusion.

Positions inside, ids outside. The index can always be made anew from rows; files are a cache.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from apps.runtime.lexical import LexicalIndex
from apps.runtime.resources import RetrievalMode

if TYPE_CHECKING:
    from usearch.index import Index

FORMAT = 1
RRF_K = 60
"""Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion" (SIGIR 2009)."""
DEPTH = 100
"""How far each ranking is read for the fusion, at least. 30 lost 6 points of recall@6 on real documents."""
EXACT_LIMIT = 50_000
"""Vectors up to which every one is compared; above, an approximate index is built."""

Vectors = NDArray[np.float32]
Ranking = list[tuple[str, float]]
DenseRanking = Callable[[Vectors, int], Ranking]
"""(query vector, n) -> the n nearest chunks, best first, for vectors that live elsewhere."""


class HybridIndex:
    """ids, texts and vectors by position. A missing `vectors` leaves the dense part to dense_ranking.

    vectors   (n, d), L2-normalised
    """

    def __init__(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: Vectors | None = None,
        *,
        dense_ranking: DenseRanking | None = None,
    ) -> None:
        self._take(list(ids), LexicalIndex.build(texts), vectors, dense_ranking)

    def _take(
        self,
        ids: list[str],
        lexical: LexicalIndex,
        vectors: Vectors | None,
        dense_ranking: DenseRanking | None,
        graph: Index | None = None,
    ) -> Self:
        if lexical.size != len(ids) or (vectors is not None and len(vectors) != len(ids)):
            raise ValueError("ids, texts and vectors differ in number")
        self.ids, self.lexical, self.vectors = ids, lexical, vectors
        self.dense_ranking = dense_ranking
        self._graph = graph
        if vectors is not None and len(ids) > EXACT_LIMIT and graph is None:
            self._graph = _approximate(vectors)
        return self

    def __len__(self) -> int:
        return len(self.ids)

    def search(self, text: str, vector: Vectors | None, mode: RetrievalMode, k: int) -> Ranking:
        """The best k (id, score), best first, equal scores by id.

        Scores are BM25's, cosines, or sums of reciprocal ranks. Hybrid without a vector is lexical.
        """
        if k < 1 or not self.ids:
            return []
        if mode == "lexical" or vector is None:
            return self._lexical(text, k)
        if mode == "dense":
            return self._dense(vector, k)
        depth = max(DEPTH, 4 * k)
        return fuse([self._lexical(text, depth), self._dense(vector, depth)])[:k]

    def _lexical(self, text: str, k: int) -> Ranking:
        scores = self.lexical.scores(text)
        return self._ranked(scores, np.flatnonzero(scores > 0), k)

    def _dense(self, vector: Vectors, k: int) -> Ranking:
        vector = np.asarray(vector, np.float32).reshape(-1)
        if self.dense_ranking is not None:
            return self.dense_ranking(vector, k)
        if self.vectors is None:
            return []
        if self._graph is not None:
            found = self._graph.search(vector, min(k, len(self.ids)))
            places = np.asarray(found.keys, np.int64)
            scores = np.zeros(len(self.ids), np.float32)
            scores[places] = self.vectors[places] @ vector
            return self._ranked(scores, places, k)
        return self._ranked(self.vectors @ vector, np.arange(len(self.ids)), k)

    def _ranked(self, scores: Vectors, places: NDArray[Any], k: int) -> Ranking:
        """The best k of `places`. Everything tied with the last one is looked at, so ids decide."""
        if len(places) > k:
            found = scores[places]
            places = places[found >= np.partition(found, len(found) - k)[len(found) - k]]
        rows = [(self.ids[place], float(scores[place])) for place in places]
        return sorted(rows, key=_best_first)[:k]

    def changed(
        self,
        *,
        remove: Collection[str],
        ids: Sequence[str] = (),
        texts: Sequence[str] = (),
        vectors: Vectors | None = None,
    ) -> HybridIndex:
        """A new index without `remove` and with the given chunks at its end; only they are read."""
        gone = frozenset(remove)
        keep = np.array([at for at, name in enumerate(self.ids) if name not in gone], np.int32)
        kept_ids = [self.ids[place] for place in keep]
        lexical = self.lexical.extended(keep, texts)
        joined = None
        if self.vectors is not None:
            joined = self.vectors[keep]
            if vectors is not None and len(vectors):
                joined = np.concatenate([joined, vectors]) if len(joined) else vectors
        changed = HybridIndex.__new__(HybridIndex)
        return changed._take([*kept_ids, *ids], lexical, joined, self.dense_ranking)

    def save(self, path: Path) -> None:
        """Write a folder at `path`, replacing one that is there; readers see the old or the new."""
        draft = path.with_name(f".{path.name}.{os.getpid()}.part")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        self.lexical.save(draft)
        (draft / "ids.json").write_text(json.dumps(self.ids), encoding="utf-8")
        if self.vectors is not None:
            np.save(draft / "vectors.npy", self.vectors)
        if self._graph is not None:
            self._graph.save(str(draft / "graph.usearch"))
        meta = {"format": FORMAT, "chunks": len(self.ids), "vectors": self.vectors is not None}
        (draft / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
        old = path.with_name(f".{path.name}.{os.getpid()}.old")
        if path.exists():
            path.replace(old)
        draft.replace(path)
        shutil.rmtree(old, ignore_errors=True)

    @classmethod
    def load(cls, path: Path, *, dense_ranking: DenseRanking | None = None) -> HybridIndex:
        """Raises OSError or ValueError if the folder is not a whole index of this format."""
        meta = json.loads((path / "meta.json").read_text(encoding="utf-8"))
        if meta.get("format") != FORMAT:
            raise ValueError(f"index format {meta.get('format')} is not {FORMAT}")
        ids = json.loads((path / "ids.json").read_text(encoding="utf-8"))
        vectors = None
        if meta["vectors"]:
            vectors = np.load(path / "vectors.npy", mmap_mode="r", allow_pickle=False)
        graph = None
        if (path / "graph.usearch").exists():
            graph = _empty_graph(vectors.shape[1] if vectors is not None else 0)
            graph.load(str(path / "graph.usearch"))
        index = cls.__new__(cls)
        return index._take(ids, LexicalIndex.load(path), vectors, dense_ranking, graph)


def fuse(rankings: Sequence[Ranking], constant: int = RRF_K) -> Ranking:
    """Reciprocal rank fusion: score(d) = sum over rankings of 1 / (constant + rank of d, from 1).

    Best first, equal scores by id. Scores of the inputs are not looked at, their order is.
    """
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, (name, _) in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (constant + rank)
    return sorted(scores.items(), key=_best_first)


def _best_first(row: tuple[str, float]) -> tuple[float, str]:
    return -row[1], row[0]


def _empty_graph(dimensions: int) -> Index:
    from usearch.index import Index  # noqa: PLC0415 - only large collections need it

    return Index(ndim=dimensions, metric="ip", dtype="f16", connectivity=16, expansion_search=128)


def _approximate(vectors: Vectors) -> Index:
    graph = _empty_graph(vectors.shape[1])
    graph.add(np.arange(len(vectors), dtype=np.uint64), np.ascontiguousarray(vectors))
    return graph
