"""What the ingest task records: documents claimed, chunks stored, documents finished.

A document's chunks are stored as they come, ordinals without a gap; searches see them only once
the document is READY, which happens in the transaction that also removes what it replaces.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Count, F, Max, Q, Sum
from django.utils import timezone

from apps.jobs.enums import ACTIVE
from apps.jobs.models import Job
from apps.knowledge import copies, storage
from apps.knowledge.domain.chunk_ids import new_chunk_id
from apps.knowledge.domain.limits import READER_VERSION
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.errors import IndexingCancelled
from apps.knowledge.indexes import indexes
from apps.knowledge.models import Chunk, Collection, Document

Event = dict[str, Any]
_CLOSED = (DocumentStatus.READY, DocumentStatus.FAILED, DocumentStatus.REFUSED)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A document to be indexed by this job; the first `skip` chunks are stored from an earlier attempt."""

    document: Document
    skip: int


def index_key(collection: Collection, sha256: str, media_type: str) -> str:
    """What a document's chunks are made from and how."""
    parts = (
        READER_VERSION,
        sha256,
        media_type,
        collection.chunk_size,
        collection.chunk_overlap,
        collection.embedding_model,
    )
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


def take_back(job: Job) -> None:
    """At a retry: what this job failed at is due again."""
    Document.objects.filter(job=job, status=DocumentStatus.FAILED).update(
        status=DocumentStatus.QUEUED, error_code="", error_message=""
    )


@transaction.atomic
def claim_documents(collection: Collection, job: Job, limit: int) -> list[Claimed]:
    """Take the next documents of the collection: those that wait, and those that an ended job left.

    Small ones first: beside a file that takes hours, the others need not wait for it.
    """
    abandoned = Q(status=DocumentStatus.INDEXING) & (
        Q(job__isnull=True) | Q(job=job) | ~Q(job__status__in=ACTIVE)
    )
    due = Document.objects.filter(
        Q(status=DocumentStatus.QUEUED) | abandoned, collection=collection
    ).exclude(file="")
    ids = list(
        due.order_by("size_bytes", "created_at", "name").values_list("pk", flat=True)[:limit]
    )
    held = Document.objects.select_for_update(of=("self",)).filter(pk__in=ids)
    rows = [row for row in held if row.status not in _CLOSED]
    _drop_strangers(collection, rows)
    skips = _stored_chunks(rows)
    for row in rows:
        row.status, row.job = DocumentStatus.INDEXING, job
        row.index_key = index_key(collection, row.sha256, row.media_type)
    Document.objects.bulk_update(rows, ["status", "job", "index_key"], batch_size=200)
    order = {pk: place for place, pk in enumerate(ids)}
    return sorted(
        (Claimed(row, skips.get(row.pk, 0)) for row in rows),
        key=lambda claimed: order[claimed.document.pk],
    )


def _drop_strangers(collection: Collection, rows: Sequence[Document]) -> None:
    """Remove stored chunks that were made with other settings."""
    other = [
        row.pk
        for row in rows
        if row.index_key and row.index_key != index_key(collection, row.sha256, row.media_type)
    ]
    if other:
        Chunk.objects.filter(document__in=other).delete()


def _stored_chunks(rows: Sequence[Document]) -> dict[UUID, int]:
    """How many chunks each document has already; a document with a gap loses them and starts anew."""
    counted = (
        Chunk.objects.filter(document__in=[row.pk for row in rows])
        .order_by()
        .values_list("document")
        .annotate(Count("pk"), Max("ordinal"))
    )
    stored, gaps = {}, []
    for document_id, count, last in counted:
        if count == last + 1:
            stored[document_id] = count
        else:
            gaps.append(document_id)
    if gaps:
        Chunk.objects.filter(document__in=gaps).delete()
    return stored


def locked(collection: Collection) -> Collection | None:
    """The collection's row, held to the end of the transaction: every change of content takes it."""
    return Collection.objects.select_for_update().filter(pk=collection.pk).first()


@transaction.atomic
def record(job: Job, collection: Collection, events: Sequence[Event]) -> int | None:
    """Store a batch of engine events in one transaction; returns how many documents were closed.

    Events of documents that are no longer ours (removed, replaced, taken over) are dropped. None
    if the collection itself is gone.
    """
    if locked(collection) is None:
        return None
    chunks = [event for event in events if event["type"] == "chunks"]
    closing = {event["id"]: event for event in events if event["type"] in _CLOSERS}
    named = {item[0] for event in chunks for item in event["items"]} | set(closing)
    ours = {
        str(row.pk): row
        for row in Document.objects.select_for_update(of=("self",)).filter(
            pk__in=named, job=job, status=DocumentStatus.INDEXING
        )
    }
    Chunk.objects.bulk_create(
        _chunk(collection, ours[item[0]].name, item, vector)
        for event in chunks
        for item, vector in zip(event["items"], _vectors(event), strict=True)
        if item[0] in ours
    )
    closed = [ours[pk] for pk in closing if pk in ours]
    ready = False
    for document in closed:
        event = closing[str(document.pk)]
        ready |= _CLOSERS[event["type"]](document, event)
    Document.objects.bulk_update(closed, _CLOSED_FIELDS, batch_size=200)
    if ready:
        _replace(closed)
        bump(collection.pk)
    return len(closed)


def bump(collection_id: UUID) -> None:
    """Count a change of content, which makes searches follow; those of this process at once."""
    Collection.objects.filter(pk=collection_id).update(revision=F("revision") + 1)
    transaction.on_commit(lambda: indexes.recheck(collection_id))
    transaction.on_commit(lambda: copies.changed(collection_id))


_CLOSED_FIELDS = [
    "status",
    "error_code",
    "error_message",
    "page_count",
    "char_count",
    "chunk_count",
    "indexed_at",
]


def _ready(document: Document, event: Event) -> bool:
    document.status = DocumentStatus.READY
    document.error_code = ""
    document.error_message = " ".join(event.get("notes", ()))
    document.page_count = event["pages"]
    document.char_count = event["chars"]
    document.chunk_count = event["chunks"]
    document.indexed_at = timezone.now()
    return True


def _refused(document: Document, event: Event) -> bool:
    Chunk.objects.filter(document=document).delete()
    document.status = DocumentStatus.REFUSED
    document.error_code, document.error_message = event["code"], event["message"]
    return False


def _failed(document: Document, event: Event) -> bool:
    document.status = DocumentStatus.FAILED
    document.error_code, document.error_message = event["code"], event["message"]
    return False


_CLOSERS = {"done": _ready, "refused": _refused, "failed": _failed}


def _replace(closed: Sequence[Document]) -> None:
    """Remove the documents that READY ones replace, in the transaction that made them READY."""
    ready = [row for row in closed if row.status == DocumentStatus.READY]
    if old := [row.replaces_id for row in ready if row.replaces_id is not None]:
        delete_rows(old)


def delete_rows(documents: Sequence[UUID]) -> None:
    """Remove documents with their chunks now and their files after commit.

    What replaced one of them stands alone from now on: the database would allow two rows of a
    name for no moment, so the old row goes before the reference to it.
    """
    gone = Document.objects.filter(pk__in=documents)
    files = list(gone.values_list("file", flat=True))
    Chunk.objects.filter(document__in=documents).delete()
    gone.delete()
    Document.objects.filter(replaces__in=documents).update(replaces=None)
    transaction.on_commit(lambda: storage.discard(files))


def fail_claimed(job: Job, code: str, message: str) -> None:
    """Mark what this job had taken and not finished as failed, with the reason."""
    Document.objects.filter(job=job, status=DocumentStatus.INDEXING).update(
        status=DocumentStatus.FAILED, error_code=code, error_message=message
    )


def cancel_claimed(job: Job) -> None:
    """Mark everything that this job was to index as cancelled; Retry takes it up again."""
    error = IndexingCancelled()
    active = (DocumentStatus.QUEUED, DocumentStatus.INDEXING)
    Document.objects.filter(job=job, status__in=active).update(
        status=DocumentStatus.FAILED, error_code=error.code, error_message=str(error)
    )


@transaction.atomic
def release(collection: Collection, job: Job) -> bool:
    """Let go of the collection unless documents wait; then the job goes on with them."""
    if locked(collection) is None:
        return True
    waiting = Document.objects.filter(collection=collection, status=DocumentStatus.QUEUED)
    if waiting.exclude(file="").exists():
        return False
    Collection.objects.filter(pk=collection.pk, ingest_job=job).update(ingest_job=None)
    return True


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a job is: documents and bytes, closed ones and all."""

    closed: int
    every: int
    closed_bytes: int
    every_bytes: int


def tally(collection: Collection, job: Job) -> Tally:
    closed = Q(status__in=_CLOSED)
    return Tally(
        **Document.objects.filter(collection=collection, job=job).aggregate(
            closed=Count("pk", filter=closed),
            every=Count("pk"),
            closed_bytes=Sum("size_bytes", filter=closed, default=0),
            every_bytes=Sum("size_bytes", default=0),
        )
    )


def _chunk(collection: Collection, document: str, item: list[Any], vector: Any) -> Chunk:
    document_id, ordinal, text, start, end, page, heading = item
    return Chunk(
        id=new_chunk_id(document, ordinal, text),
        collection=collection,
        document_id=UUID(document_id),
        ordinal=ordinal,
        text=text,
        start=start,
        end=end,
        page=page,
        heading=heading[:300],
        embedding=vector,
    )


def _vectors(event: Event) -> Any:
    flat = np.frombuffer(base64.b64decode(event["vectors"]), dtype=np.float32)
    return flat.reshape(-1, event["dimensions"])
