"""Keeps a collection's vectors in a vector store as its rows are: the rows are the truth.

Documents never change once they are READY, so a copy follows by whole documents. Which ones are in
the store stands in rows of ours (`StoredDocument`), marked before the first of their vectors is sent
and done after the last: what a crash leaves half-sent is removed and sent again.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
import structlog
from django.conf import settings
from django.db.models import Q, Sum
from django.utils import timezone

from apps.knowledge.enums import DocumentStatus
from apps.knowledge.models import Chunk, Collection, Document, StoreCopy, StoredDocument
from apps.runtime.resources import ModelServer
from apps.runtime.stores.base import Held, Table
from apps.runtime.stores.errors import StoreForeign, StoreIncomplete
from apps.runtime.stores.opening import close_stores, open_store

log = structlog.get_logger(__name__)
T = TypeVar("T")

BATCH = 500
"""Vectors in one request: about 800 kB, as JSON 4 MB."""
REMOVED_AT_ONCE = 100
"""Documents in one request."""
LEASE_S = 300.0
"""How long a writer that fell silent keeps others away; longer than any one request may take."""

Progress = Callable[[int, int], None]


class Busy(Exception):
    """Somebody else writes to this copy."""


def table_name(collection_id: UUID) -> str:
    """Different for every installation, so that two of them can share a store."""
    installation = hashlib.sha256(f"vector-stores|{settings.SECRET_KEY}".encode()).hexdigest()[:10]
    return f"gs_{installation}_{collection_id.hex}"


def address_key(server: ModelServer) -> str:
    return hashlib.sha256(f"{server.kind}|{server.base_url}".encode()).hexdigest()


def copy_of(collection: Collection, server: ModelServer) -> StoreCopy:
    """The copy of a collection in this store, which may be empty still."""
    told = {"connection": server.name, "title": collection.title, "kind": server.kind}
    copy, _ = StoreCopy.objects.get_or_create(
        collection_id=collection.pk,
        address_key=address_key(server),
        defaults={"owner_id": collection.owner_id, **told},
    )
    if any(getattr(copy, field) != value for field, value in told.items()):
        StoreCopy.objects.filter(pk=copy.pk).update(**told)
        copy.refresh_from_db()
    return copy


def table_of(copy: StoreCopy, server: ModelServer) -> Table:
    return Table(open_store(server), table_name(copy.collection_id))


def is_whole(copy: StoreCopy, held: Held | None) -> bool:
    """Whether the store still has what was sent to it."""
    return (
        held is not None
        and (held.token, held.dimension) == (copy.token, copy.dimension)
        and held.count == copy.chunks
    )


def missing_chunks(copy: StoreCopy) -> int:
    """How many vectors are still to be sent, by what our rows say."""
    stored = StoredDocument.objects.filter(copy=copy, done=True).values("document_id")
    missing = _ready(copy.collection_id).exclude(pk__in=stored)
    return int(missing.aggregate(count=Sum("chunk_count", default=0))["count"])


def follow(
    copy: StoreCopy,
    server: ModelServer,
    *,
    progress: Progress = lambda done, total: None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Send what is new, remove what is gone, all of it if the store was emptied.

    progress  told the vectors that are there and those that should be
    check     raises to stop; what was sent stays, and the next call goes on from there
    Not to be called where an event loop runs. Raises Busy, ServiceFault.
    """
    with _claimed(copy), _Work(copy, server, progress, check) as work:
        work.run()


def remove_copy(copy: StoreCopy, server: ModelServer) -> None:
    """Take the vectors out of the store and forget the copy. Raises ServiceFault."""
    with asyncio.Runner() as runner:
        try:
            runner.run(table_of(copy, server).drop())
        finally:
            runner.run(close_stores())
    copy.delete()


@contextmanager
def _claimed(copy: StoreCopy) -> Iterator[None]:
    """One writer at a time; settled by a conditional update."""
    now = timezone.now()
    free = Q(busy_until=None) | Q(busy_until__lt=now)
    if not StoreCopy.objects.filter(free, pk=copy.pk).update(busy_until=_lease(now)):
        raise Busy
    copy.refresh_from_db()
    try:
        yield
    finally:
        StoreCopy.objects.filter(pk=copy.pk).update(busy_until=None)


def _lease(now: datetime) -> datetime:
    return now + timedelta(seconds=LEASE_S)


class _Work:
    """One following, on an event loop of its own; rows are read and written between its runs."""

    def __init__(
        self,
        copy: StoreCopy,
        server: ModelServer,
        progress: Progress,
        check: Callable[[], None],
    ) -> None:
        self._copy, self._progress, self._check = copy, progress, check
        self._table = table_of(copy, server)
        self._server = server
        self._stored = StoredDocument.objects.filter(copy=copy)

    def __enter__(self) -> _Work:
        self._runner = asyncio.Runner().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._runner.run(close_stores())
        self._runner.close()

    def run(self) -> None:
        copy = self._copy
        revision = Collection.objects.values_list("revision", flat=True).get(pk=copy.collection_id)
        ready = dict(_ready(copy.collection_id).values_list("pk", "chunk_count"))
        first = Chunk.objects.filter(document__in=list(ready)[:1]).first()
        if first is not None:
            self._begin(len(first.embedding))
            self._remove_gone(ready)
            self._send(ready)
            self._verify()
        elif copy.token:
            self._remove_gone(ready)
        count = self._count()
        StoreCopy.objects.filter(pk=copy.pk).update(
            revision=revision, chunks=count, error="", followed_at=timezone.now()
        )
        copy.refresh_from_db()

    def _begin(self, dimension: int) -> None:
        """Keep what is there, or start from nothing where it is not what our rows say."""
        copy = self._copy
        held = self._ask(self._table.held())
        if held is not None and not held.token and held.count:
            raise StoreForeign(service=self._server.name, table=self._table.name)
        same = held is not None and (held.token, held.dimension) == (copy.token, dimension)
        torn = self._stored.filter(done=False).exists()
        if held is not None and same and (torn or held.count == self._count()):
            return
        log.info("knowledge.store-filled-anew", table=self._table.name, kind=copy.kind)
        copy.token, copy.dimension = uuid.uuid4().hex, dimension
        copy.revision, copy.chunks = -1, 0
        copy.save(update_fields=["token", "dimension", "revision", "chunks"])
        self._stored.delete()
        self._ask(self._table.start(dimension, copy.token))

    def _remove_gone(self, ready: dict[UUID, int]) -> None:
        """Documents that are gone, and those that were sent in part."""
        torn = Q(done=False)
        gone = [
            pk
            for pk in self._stored.filter(done=True).values_list("document_id", flat=True)
            if pk not in ready
        ]
        gone += self._stored.filter(torn).values_list("document_id", flat=True)
        for part in _parts(gone, REMOVED_AT_ONCE):
            self._heartbeat()
            rows = self._stored.filter(document_id__in=part)
            rows.update(done=False)
            self._ask(self._table.remove([str(pk) for pk in part]))
            rows.delete()

    def _send(self, ready: dict[UUID, int]) -> None:
        stored = set(self._stored.values_list("document_id", flat=True))
        total, done = sum(ready.values()), self._count()
        self._progress(done, total)
        for group in _groups([(pk, ready[pk]) for pk in ready if pk not in stored]):
            StoredDocument.objects.bulk_create(
                StoredDocument(copy=self._copy, document_id=pk) for pk in group
            )
            counts = dict.fromkeys(group, 0)
            for part in _chunks(group):
                self._heartbeat()
                vectors = np.stack([vector for _, _, vector in part]).astype(np.float32)
                ids, owners = [str(pk) for pk, _, _ in part], [row for _, row, _ in part]
                self._ask(self._table.put(ids, [str(row) for row in owners], vectors))
                for row in owners:
                    counts[row] += 1
                done += len(part)
                self._progress(done, max(done, total))
            sent = list(self._stored.filter(document_id__in=group))
            for document in sent:
                document.chunks, document.done = counts[document.document_id], True
            StoredDocument.objects.bulk_update(sent, ["chunks", "done"], batch_size=200)

    def _verify(self) -> None:
        """A store may take vectors and lose them: one without room, one that evicts."""
        held = self._ask(self._table.held())
        sent = self._count()
        if held is None or held.count != sent or held.token != self._copy.token:
            raise StoreIncomplete(
                service=self._server.name,
                title=self._copy.title,
                sent=sent,
                held=held.count if held else 0,
            )

    def _heartbeat(self) -> None:
        self._check()
        StoreCopy.objects.filter(pk=self._copy.pk).update(busy_until=_lease(timezone.now()))

    def _count(self) -> int:
        return int(self._stored.aggregate(count=Sum("chunks", default=0))["count"])

    def _ask(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)


def _ready(collection_id: UUID) -> Any:
    return Document.objects.filter(collection=collection_id, status=DocumentStatus.READY).order_by(
        "pk"
    )


def _groups(documents: Sequence[tuple[UUID, int]]) -> Iterator[list[UUID]]:
    """Small documents together, up to one request; a long one alone."""
    group: list[UUID] = []
    size = 0
    for pk, count in documents:
        if group and size + count > BATCH:
            yield group
            group, size = [], 0
        group.append(pk)
        size += count
    if group:
        yield group


def _chunks(documents: Sequence[UUID]) -> Iterator[list[tuple[UUID, UUID, Any]]]:
    """(chunk, document, vector), BATCH of them in memory; read by key, so that no read stays open
    while a store is slow."""
    rows = Chunk.objects.filter(document__in=documents).order_by("pk")
    after = UUID(int=0)
    while part := list(
        rows.filter(pk__gt=after).values_list("pk", "document_id", "embedding")[:BATCH]
    ):
        yield part
        after = part[-1][0]


def _parts(rows: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    return (rows[begin : begin + size] for begin in range(0, len(rows), size))
