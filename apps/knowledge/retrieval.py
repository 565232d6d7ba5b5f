"""Search in collections. Rows are the truth; the index in memory follows them by revision.

Documents never change once they are READY (a new version is a new row), so an index follows by
dropping and adding whole documents. Nothing here runs on the event loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from apps.knowledge.embedders import embedder_for, model_cache
from apps.knowledge.errors import MixedEmbeddings
from apps.knowledge.indexes import Indexed, indexes
from apps.knowledge.models import Chunk, Collection
from apps.knowledge.placed import PlacedRetriever
from apps.knowledge.questions import questions
from apps.knowledge.threads import in_thread
from apps.runtime.embedding import BUILTIN, Embedder, builtin_embedder
from apps.runtime.events import Passage
from apps.runtime.resources import ModelServer, RetrievalMode
from apps.runtime.retrieval import Ranking
from apps.runtime.snapshot import scored

Vectors = NDArray[np.float32]


def retriever_for(collections: Iterable[Collection]) -> CollectionRetriever:
    """Raises MixedEmbeddings where the collections cannot be searched together."""
    rows = list(collections)
    if len({row.embedding_model for row in rows}) > 1:
        raise MixedEmbeddings(names=", ".join(row.name for row in rows))
    return CollectionRetriever({row.name: row.pk for row in rows}, model_cache())


class CollectionRetriever:
    """A Retriever over one or more collections that share an embedding model."""

    def __init__(self, collections: Mapping[str, UUID], model_cache: Path) -> None:
        self._collections = collections
        self._ids = tuple(sorted(collections.values()))
        self._model_cache = model_cache

    @property
    def embedder(self) -> Embedder:
        """For weighing sentences (`apps.runtime.extractive`); whatever model the collections use."""
        return builtin_embedder(self._model_cache)

    def within(self, collections: Sequence[str]) -> CollectionRetriever:
        """Over these of its collections. Raises KeyError with a name that is none of them."""
        chosen = {name: self._collections[name] for name in collections}
        return CollectionRetriever(chosen, self._model_cache)

    def placed_at(self, server: ModelServer) -> PlacedRetriever:
        """The same, with the vectors of these collections in that store."""
        return PlacedRetriever(self, self._ids, server)

    async def search(self, query: str, *, mode: RetrievalMode, k: int) -> list[Passage]:
        """Raises what the embedding model's server raises."""
        return await in_thread(partial(self.find, query, mode=mode, k=k))

    async def vectors(self, query: str, passages: Sequence[Passage]) -> tuple[Vectors, Vectors]:
        """(d,) and (n, d): of the query and of passages that a search found."""
        return await in_thread(partial(self._vectors, query, passages))

    def find(self, query: str, *, mode: RetrievalMode, k: int) -> list[Passage]:
        """The same for synchronous callers, in their thread and transaction."""
        indexed = indexes.current(self._ids)
        if not len(indexed.index):
            return []
        vector = None
        if mode != "lexical":
            vector = questions.embed(self._embedder(indexed), query)
        return _passages(indexed, indexed.index.search(query, vector, mode, k))

    def asked(self, query: str) -> Vectors:
        """The vector of a question."""
        return questions.embed(self._embedder(indexes.current(self._ids)), query)

    def ranked(
        self, query: str, vector: Vectors, dense: Ranking, *, mode: RetrievalMode, k: int
    ) -> list[Passage]:
        """A search whose ranking by vectors was made elsewhere."""
        indexed = indexes.current(self._ids)
        return _passages(indexed, indexed.index.search(query, vector, mode, k, dense))

    def _vectors(self, query: str, passages: Sequence[Passage]) -> tuple[Vectors, Vectors]:
        """A passage that was removed since it was found counts as unlike everything."""
        asked = questions.embed(self._embedder(indexes.current(self._ids)), query)
        ids = [passage.chunk_id for passage in passages]
        rows = Chunk.objects.filter(pk__in=ids).values_list("pk", "embedding")
        known = {str(pk): np.asarray(vector, np.float32) for pk, vector in rows}
        nothing = np.zeros_like(asked)
        return asked, np.stack([known.get(name, nothing) for name in ids])

    def _embedder(self, indexed: Indexed) -> Embedder:
        """The built-in one is kept; a connection is looked up each time, as it may have changed."""
        if indexed.embedder is not None:
            return indexed.embedder
        row = Collection.objects.select_related("owner").get(pk=indexed.collection_id)
        embedder = embedder_for(row, self._model_cache)
        if embedder.name == BUILTIN:
            indexed.embedder = embedder
        return embedder


def _passages(indexed: Indexed, ranking: Sequence[tuple[str, float]]) -> list[Passage]:
    """Rows of the ranked chunks, by one query for those not at hand; removed ones are left out."""
    missing = [name for name, _ in ranking if name not in indexed.passages]
    if missing:
        rows = Chunk.objects.filter(pk__in=missing, document__status="ready")
        for chunk in rows.select_related("document").defer("embedding"):
            indexed.keep(passage_of(chunk))
    found = [(indexed.passages.get(name), score) for name, score in ranking]
    return [scored(passage, score) for passage, score in found if passage]


def passage_of(chunk: Chunk, score: float = 0.0) -> Passage:
    return Passage(
        chunk_id=str(chunk.pk),
        document_id=str(chunk.document_id),
        document=chunk.document.name,
        text=chunk.text,
        score=score,
        ordinal=chunk.ordinal,
        start=chunk.start,
        end=chunk.end,
        page=chunk.page,
        heading=chunk.heading,
    )
