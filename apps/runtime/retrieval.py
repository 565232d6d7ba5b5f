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
EXACT_LIMIT = 200_000
"""Vectors up to which every one is compared: 100,000 take about 15 ms. Above, an approximate index is
built, which costs minutes of all cores once and follows changes after that."""

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
        graph: _Graph | None = None,
    ) -> Self:
        if lexical.size != len(ids) or (vectors is not None and len(vectors) != len(ids)):
            raise ValueError("ids, texts and vectors differ in number")
        self.ids, self.lexical, self.vectors = ids, lexical, vectors
        self.dense_ranking = dense_ranking
        self._graph = graph
        if vectors is not None and len(ids) > EXACT_LIMIT and graph is None:
            self._graph = _Graph.build(vectors)
        return self

    def __len__(self) -> int:
        return len(self.ids)

    def search(
        self,
        text: str,
        vector: Vectors | None,
        mode: RetrievalMode,
        k: int,
        dense: Ranking | None = None,
    ) -> Ranking:
        """The best k (id, score), best first, equal scores by id.

        Scores are BM25's, cosines, or sums of reciprocal ranks. Hybrid without a vector is lexical.
        dense: the ranking by vectors where somebody made it already, `depth_for(mode, k)` deep
        """
        if k < 1 or not self.ids:
            return []
        if mode == "lexical" or vector is None:
            return self._lexical(text, k)
        depth = depth_for(mode, k)
        ranking = self._dense(vector, depth) if dense is None else dense
        if mode == "dense":
            return ranking[:k]
        return fuse([self._lexical(text, depth), ranking])[:k]

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
            places = self._graph.nearest(vector, k)
            scores = np.zeros(len(self.ids), np.float32)
            scores[places] = similarities(self.vectors[places], vector)
            return self._ranked(scores, places, k)
        return self._ranked(similarities(self.vectors, vector), np.arange(len(self.ids)), k)

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
        joined, graph = None, None
        if self.vectors is not None:
            joined = self.vectors[keep]
            if vectors is not None and len(vectors):
                joined = np.concatenate([joined, vectors]) if len(joined) else vectors
            if self._graph is not None and len(joined) > EXACT_LIMIT:
                graph = self._graph.changed(keep, joined[len(keep) :])
        changed = HybridIndex.__new__(HybridIndex)
        return changed._take([*kept_ids, *ids], lexical, joined, self.dense_ranking, graph)

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
            self._graph.save(draft)
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
        if vectors is not None and (path / _Graph.FILE).exists():
            graph = _Graph.load(path, vectors.shape[1])
        index = cls.__new__(cls)
        return index._take(ids, LexicalIndex.load(path), vectors, dense_ranking, graph)


def depth_for(mode: RetrievalMode, k: int) -> int:
    """How far a ranking by vectors is read for k results."""
    return max(DEPTH, 4 * k) if mode == "hybrid" else k


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


def similarities(vectors: Vectors, vector: Vectors) -> Vectors:
    """Cosines of normalised vectors.

    Not `@`: its threads wait for each other, which beside other work made 5,000 rows take 27 ms for 0.4.
    """
    result: Vectors = np.einsum("ij,j->i", vectors, vector)
    return result


class _Graph:
    """Approximate nearest neighbours (HNSW). keys[place], ascending, is a place's name in the graph,
    so that places can move while the graph stays."""

    FILE = "graph.usearch"

    def __init__(self, index: Index, keys: NDArray[np.uint64]) -> None:
        self._index, self._keys = index, keys

    @classmethod
    def build(cls, vectors: Vectors) -> Self:
        index = _empty(vectors.shape[1])
        keys = np.arange(len(vectors), dtype=np.uint64)
        index.add(keys, np.ascontiguousarray(vectors))
        return cls(index, keys)

    def nearest(self, vector: Vectors, k: int) -> NDArray[Any]:
        found = self._index.search(vector, min(k, len(self._keys)))
        return np.searchsorted(self._keys, np.asarray(found.keys, np.uint64))

    def changed(self, keep: NDArray[np.int32], new: Vectors) -> _Graph:
        """Kept places by ascending position, then new vectors. This graph stays as it is."""
        index = self._index.copy()
        kept = self._keys[keep]
        gone = np.setdiff1d(self._keys, kept, assume_unique=True)
        if len(gone):
            index.remove(gone)
        first = int(self._keys[-1]) + 1
        keys = np.arange(first, first + len(new), dtype=np.uint64)
        if len(new):
            index.add(keys, np.ascontiguousarray(new))
        return _Graph(index, np.concatenate([kept, keys]))

    def save(self, folder: Path) -> None:
        self._index.save(str(folder / self.FILE))
        np.save(folder / "keys.npy", self._keys)

    @classmethod
    def load(cls, folder: Path, dimensions: int) -> Self:
        index = _empty(dimensions)
        index.load(str(folder / cls.FILE))
        return cls(index, np.load(folder / "keys.npy", allow_pickle=False))


def _empty(dimensions: int) -> Index:
    # usearch carries a C++ library of its own whose symbols are unique in the process. Loaded first, it
    # hands them to onnxruntime, which then ends the process with SIGSEGV as it is imported.
    import onnxruntime  # noqa: F401, PLC0415
    from usearch.index import Index  # noqa: PLC0415 - only large collections need it

    return Index(
        ndim=dimensions,
        metric="ip",
        dtype="f16",
        connectivity=16,
        expansion_add=64,
        expansion_search=160,
    )
