"""Changes of collections and documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.files import File
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Q
from django.utils.text import slugify

from apps.jobs.enums import ACTIVE
from apps.jobs.models import Job
from apps.jobs.services import cancel_job, start_job
from apps.knowledge import copies, storage
from apps.knowledge.domain.names import clean_name, is_junk, suffix_of
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.errors import (
    BadChunking,
    BadName,
    CollectionGone,
    DiskFull,
    NameTaken,
    UploadInterrupted,
)
from apps.knowledge.indexes import drop_saved
from apps.knowledge.indexing import bump, delete_rows, index_key, locked
from apps.knowledge.models import Chunk, Collection, Document
from apps.runtime.embedding import BUILTIN
from apps.runtime.errors import StudioError
from apps.ui.faults import database_full

if TYPE_CHECKING:
    from apps.accounts.models import User

INGEST = "knowledge.ingest"
SMALLEST_CHUNK, LARGEST_CHUNK = 200, 4000
"""Characters. The built-in model reads about 1,000; below 200 a passage says too little."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one uploaded file: queued, unchanged, ignored (system litter), refused or failed."""

    name: str
    status: str
    code: str = ""
    error: str = ""
    document_id: UUID | None = None


@dataclass(slots=True)
class Received:
    outcomes: list[Outcome] = field(default_factory=list)
    job: Job | None = None

    def having(self, *statuses: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status in statuses]


def create_collection(
    *,
    owner: User,
    name: str,
    title: str,
    chunk_size: int = 800,
    chunk_overlap: int = 120,
    embedding_model: str = BUILTIN,
    description: str = "",
) -> Collection:
    """An empty collection. Raises NameTaken, BadName or BadChunking."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", name):
        raise BadName(name=name)
    _check_chunking(chunk_size, chunk_overlap)
    try:
        with transaction.atomic():
            return Collection.objects.create(
                owner=owner,
                name=name,
                title=title.strip() or name,
                description=description,
                chunk_size=chunk_size,
                chunk_overlap=chunk_overlap,
                embedding_model=embedding_model,
            )
    except IntegrityError as error:
        raise NameTaken(name=name) from error


def free_name(*, owner: User, title: str) -> str:
    """A name made from the title that the owner does not use yet."""
    stem = slugify(title)[:55].strip("-_") or "collection"
    taken = set(
        Collection.objects.filter(owner=owner, name__startswith=stem).values_list("name", flat=True)
    )
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (stem, *numbered) if name not in taken)


def add_files(*, collection: Collection, files: Iterable[tuple[str, File[Any]]], by: User) -> Job:
    """Store files and index them in the background: `receive` for callers that only want the job."""
    received = receive(collection=collection, files=files, by=by)
    return received.job or queue_ingest(collection=collection, by=by)


def receive(
    *, collection: Collection, files: Iterable[tuple[str, File[Any]]], by: User
) -> Received:
    """Store files under their relative names and queue those that are new or changed. Each file
    is read before the next is asked for, so an iterator may open one at a time.

    Bad ones become REFUSED rows (a searchable earlier version stays). A file of a name that is
    there replaces it once it is indexed. Raises DiskFull if the rows cannot be saved; then no
    file of this call is kept.
    """
    received, batch = Received(), _Batch(collection)
    try:
        for name, upload in _named(files):
            received.outcomes.append(_receive_one(name, upload, batch))
        received.job = batch.save(by)
    except BaseException as error:
        storage.discard_now(document.file.name for document in batch.documents)
        if isinstance(error, DatabaseError) and database_full(error):
            raise DiskFull from error
        raise
    return received


class _Batch:
    """Rows of one upload, saved together."""

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.documents: list[Document] = []
        self.superseded: list[Document] = []

    @transaction.atomic
    def save(self, by: User) -> Job | None:
        if not self.documents and not self.superseded:
            return None
        locked(self.collection)
        queued = [row for row in self.documents if row.status == DocumentStatus.QUEUED]
        job = queue_ingest(collection=self.collection, by=by) if queued else None
        for row in queued:
            row.job = job
        delete_rows([row.pk for row in self.superseded])
        Document.objects.bulk_create(self.documents)
        return job


def _receive_one(name: str, upload: File[Any], batch: _Batch) -> Outcome:
    if is_junk(name):
        return Outcome(name, "ignored")
    checked = storage.check(upload, name)
    present = list(Document.objects.filter(collection=batch.collection, name=name))
    if isinstance(checked.refusal, DiskFull | UploadInterrupted):
        return Outcome(name, "failed", checked.refusal.code, str(checked.refusal))
    ready = next((row for row in present if row.status == DocumentStatus.READY), None)
    others = [row for row in present if row is not ready]
    key = index_key(batch.collection, checked.sha256, checked.media_type)
    if checked.refusal is None:
        if ready and ready.index_key == key:
            batch.superseded += others
            return Outcome(name, "unchanged", document_id=ready.pk)
        if same := next(
            (row for row in others if row.is_active and row.sha256 == checked.sha256), None
        ):
            return Outcome(name, "queued", document_id=same.pk)
    document = Document(
        collection=batch.collection,
        name=name,
        replaces=ready,
        media_type=checked.media_type,
        size_bytes=checked.size_bytes,
        sha256=checked.sha256,
    )
    if checked.refusal:
        _refuse(document, checked.refusal)
    else:
        try:
            storage.store(document, upload)
        except StudioError as error:
            return Outcome(name, "failed", error.code, str(error))
    batch.superseded += others
    batch.documents.append(document)
    return Outcome(name, document.status, document.error_code, document.error_message, document.pk)


def _refuse(document: Document, refusal: StudioError) -> None:
    document.status = DocumentStatus.REFUSED
    document.error_code, document.error_message = refusal.code, str(refusal)


def _named(files: Iterable[tuple[str, File[Any]]]) -> Iterator[tuple[str, File[Any]]]:
    """Clean names; two files of one name in one upload (folders sent without paths) are numbered."""
    seen: set[str] = set()
    for raw, upload in files:
        clean = name = clean_name(raw)
        number = 2
        while name in seen:
            ending = suffix_of(clean)
            stem = clean.removesuffix(clean[len(clean) - len(ending) :]) if ending else clean
            name = f"{stem} ({number}){ending}"
            number += 1
        seen.add(name)
        yield name, upload


@transaction.atomic
def queue_ingest(*, collection: Collection, by: User) -> Job:
    """The job that will index what waits: the one that runs or waits already, or a new one."""
    row = locked(collection)
    if row is None:
        raise CollectionGone(title=collection.title)
    current = Job.objects.filter(pk__in=[row.ingest_job_id] if row.ingest_job_id else [])
    running = current.filter(status__in=ACTIVE, cancel_requested=False).first()
    if running:
        return running
    job = start_job(
        kind=INGEST,
        target_id=collection.pk,
        target_url=collection.get_absolute_url(),
        title=f"Index files into “{collection.title}”"[:200],
        owner=by,
    )
    Collection.objects.filter(pk=collection.pk).update(ingest_job=job)
    return job


@transaction.atomic
def retry_documents(*, collection: Collection, by: User) -> Job:
    """Queue what failed, and what an ended job left waiting, again."""
    job = queue_ingest(collection=collection, by=by)
    again = Q(status=DocumentStatus.FAILED) | Q(status=DocumentStatus.QUEUED)
    left = Q(status=DocumentStatus.INDEXING) & (Q(job__isnull=True) | ~Q(job__status__in=ACTIVE))
    Document.objects.filter(
        pk__in=list(
            Document.objects.filter(again | left, collection=collection).values_list(
                "pk", flat=True
            )
        )
    ).update(status=DocumentStatus.QUEUED, job=job, error_code="", error_message="")
    return job


@transaction.atomic
def remove_document(*, document: Document) -> None:
    """Remove a document, its passages and its file. Searches miss it from the next one on."""
    locked(document.collection)
    delete_rows([document.pk])
    if document.status == DocumentStatus.READY:
        bump(document.collection_id)


@transaction.atomic
def delete_collection(*, collection: Collection) -> None:
    """Remove a collection with everything in it; work on it is cancelled."""
    locked(collection)
    if collection.ingest_job_id and (
        job := Job.objects.filter(pk=collection.ingest_job_id).first()
    ):
        cancel_job(job)
    files = list(Document.objects.filter(collection=collection).values_list("file", flat=True))
    pk = collection.pk
    Chunk.objects.filter(collection=collection).delete()
    collection.delete()
    transaction.on_commit(lambda: storage.discard(files))
    transaction.on_commit(lambda: drop_saved([pk]))
    transaction.on_commit(lambda: copies.changed(pk))


@transaction.atomic
def update_collection(
    *,
    collection: Collection,
    title: str,
    description: str,
    chunk_size: int,
    chunk_overlap: int,
    by: User,
) -> Job | None:
    """Change what can be changed. Other chunk settings index every file again, the old passages
    staying searchable until the new ones are there; returns that job. Raises BadChunking."""
    _check_chunking(chunk_size, chunk_overlap)
    collection.title, collection.description = title.strip() or collection.name, description
    collection.chunk_size, collection.chunk_overlap = chunk_size, chunk_overlap
    collection.save(
        update_fields=["title", "description", "chunk_size", "chunk_overlap", "updated_at"]
    )
    return reindex(collection=collection, by=by)


@transaction.atomic
def reindex(*, collection: Collection, by: User) -> Job | None:
    """Index again what was indexed with other settings; None where everything is as it should be."""
    rows = Document.objects.filter(collection=collection, status=DocumentStatus.READY)
    stale = [
        row
        for row in rows.exclude(file="").filter(replacement__isnull=True)
        if row.index_key != index_key(collection, row.sha256, row.media_type)
    ]
    if not stale:
        return None
    job = queue_ingest(collection=collection, by=by)
    Document.objects.bulk_create(
        Document(
            collection=collection,
            name=row.name,
            replaces=row,
            job=job,
            file=row.file.name,
            media_type=row.media_type,
            size_bytes=row.size_bytes,
            sha256=row.sha256,
        )
        for row in stale
    )
    return job


def _check_chunking(size: int, overlap: int) -> None:
    if not (SMALLEST_CHUNK <= size <= LARGEST_CHUNK and 0 <= overlap <= size // 2):
        raise BadChunking(
            size=size, overlap=overlap, smallest=SMALLEST_CHUNK, largest=LARGEST_CHUNK
        )
