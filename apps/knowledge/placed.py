"""Search in collections whose vectors a store outside keeps.

Words, passages and their texts stay with the rows; the store ranks by meaning. Before it is asked, its
copy is compared with the rows by revision, and what it holds with what was sent to it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Protocol
from uuid import UUID

import numpy as np
from django.db.models import Sum
from django.utils import timezone
from numpy.typing import NDArray

from apps.jobs.enums import JobStatus
from apps.knowledge import copies, following
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.models import Collection, Document, StoreCopy
from apps.knowledge.threads import in_thread
from apps.runtime.embedding import Embedder
from apps.runtime.events import Passage
from apps.runtime.resources import ModelServer, RetrievalMode
from apps.runtime.retrieval import Ranking, depth_for
from apps.runtime.stores.errors import StoreFilling, StoreMissing

Vectors = NDArray[np.float32]

CHECK_S = 1.0
"""How long a copy is taken to be whole without asking rows and store."""
INLINE = 2_000
"""Vectors that a search sends itself; more are sent by a job."""
WAIT_S = 5.0
"""How long a search waits for somebody else who fills an empty store."""


class Base(Protocol):
    """What is searched in the rows; `retrieval.CollectionRetriever`."""

    @property
    def embedder(self) -> Embedder: ...

    def within(self, collections: Sequence[str]) -> Placeable: ...

    async def search(self, query: str, *, mode: RetrievalMode, k: int) -> list[Passage]: ...

    async def vectors(self, query: str, passages: Sequence[Passage]) -> tuple[Vectors, Vectors]: ...

    def asked(self, query: str) -> Vectors: ...

    def ranked(
        self, query: str, vector: Vectors, dense: Ranking, *, mode: RetrievalMode, k: int
    ) -> list[Passage]: ...


class Placeable(Base, Protocol):
    def placed_at(self, server: ModelServer) -> PlacedRetriever: ...


class PlacedRetriever:
    """A Retriever over collections, ranked by meaning in a vector store."""

    def __init__(self, base: Base, ids: Sequence[UUID], server: ModelServer) -> None:
        self._base, self._ids, self._server = base, ids, server

    @property
    def embedder(self) -> Embedder:
        return self._base.embedder

    def within(self, collections: Sequence[str]) -> PlacedRetriever:
        """Raises KeyError with a name that is none of its collections."""
        return self._base.within(collections).placed_at(self._server)

    def placed_at(self, server: ModelServer) -> PlacedRetriever:
        return PlacedRetriever(self._base, self._ids, server)

    async def vectors(self, query: str, passages: Sequence[Passage]) -> tuple[Vectors, Vectors]:
        return await self._base.vectors(query, passages)

    async def search(self, query: str, *, mode: RetrievalMode, k: int) -> list[Passage]:
        """Raises what the embedding model's server and the store raise."""
        if mode == "lexical" or k < 1:
            return await self._base.search(query, mode=mode, k=k)
        found = await asyncio.gather(*(self._whole(pk) for pk in self._ids))
        filled = [copy for copy in found if copy is not None]
        if not filled:
            return []
        vector = await in_thread(partial(self._base.asked, query))
        depth = depth_for(mode, k)
        rankings = await asyncio.gather(*(self._nearest(copy, vector, depth) for copy in filled))
        dense = [row for ranking in rankings for row in ranking]
        dense.sort(key=lambda row: (-row[1], row[0]))
        finish = partial(self._base.ranked, query, vector, dense[:depth], mode=mode, k=k)
        return await in_thread(finish)

    async def _whole(self, collection_id: UUID) -> StoreCopy | None:
        """The copy as it should be; None for a collection without documents."""
        key = (collection_id, self._server)
        known = _known.get(key)
        if known and time.monotonic() - known[1] < CHECK_S:
            return known[0]
        copy = await in_thread(partial(self._followed, collection_id))
        if copy is not None and not _is_busy(copy):
            held = await following.table_of(copy, self._server).held()
            if not following.is_whole(copy, held):
                copy = await in_thread(partial(self._refilled, copy))
        if copy is not None:
            _remember(key, copy)
        return copy

    async def _nearest(self, copy: StoreCopy, vector: Vectors, depth: int) -> Ranking:
        """What the store finds; if that is less than there should be, after it was looked at again."""
        table = following.table_of(copy, self._server)
        try:
            ranking = await table.nearest(vector, depth, copy.dimension)
            if len(ranking) >= min(depth, copy.chunks) or _is_busy(copy):
                return ranking
        except StoreMissing:
            pass
        copy = await in_thread(partial(self._refilled, copy))
        _remember((copy.collection_id, self._server), copy)
        return await table.nearest(vector, depth, copy.dimension)

    def _followed(self, collection_id: UUID) -> StoreCopy | None:
        collection = Collection.objects.filter(pk=collection_id).first()
        if collection is None or not _passages(collection):
            return None
        copy = following.copy_of(collection, self._server)
        if copy.revision == collection.revision:
            return copy
        return self._catch_up(copy, following.missing_chunks(copy), serves=copy.revision >= 0)

    def _refilled(self, copy: StoreCopy) -> StoreCopy:
        """The store lost what it had: all of it is sent again."""
        copy.refresh_from_db()
        collection = Collection.objects.get(pk=copy.collection_id)
        return self._catch_up(copy, _passages(collection), serves=False)

    def _catch_up(self, copy: StoreCopy, missing: int, *, serves: bool) -> StoreCopy:
        """Send what is missing, now if it is little. serves: whether a search may go on without it,
        as it does in memory while a newer index is made. Raises StoreFilling."""
        if missing <= INLINE:
            try:
                following.follow(copy, self._server)
                return copy
            except following.Busy:
                whole = copies.wait_for(copy, 0 if serves else WAIT_S)
        else:
            job = copies.start_following(copy)
            job.refresh_from_db()
            whole = job.status == JobStatus.SUCCEEDED
        copy.refresh_from_db()
        if copy.revision >= 0 and (whole or serves):
            return copy
        done = copy.documents.aggregate(count=Sum("chunks", default=0))["count"]
        total = _passages(Collection.objects.get(pk=copy.collection_id))
        raise StoreFilling(service=self._server.name, title=copy.title, done=done, total=total)


_known: dict[tuple[UUID, ModelServer], tuple[StoreCopy, float]] = {}
KNOWN = 256


def _remember(key: tuple[UUID, ModelServer], copy: StoreCopy) -> None:
    if len(_known) >= KNOWN:
        _known.clear()
    _known[key] = (copy, time.monotonic())


def forget() -> None:
    """Ask rows and stores at the next search."""
    _known.clear()


def _is_busy(copy: StoreCopy) -> bool:
    return copy.busy_until is not None and copy.busy_until > timezone.now()


def _passages(collection: Collection) -> int:
    rows = Document.objects.filter(collection=collection, status=DocumentStatus.READY)
    return int(rows.aggregate(count=Sum("chunk_count", default=0))["count"])
