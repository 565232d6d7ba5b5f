"""Collections as folders: what engines and packages search without a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.core.files import File
from django.db import transaction
from django.utils import timezone

from apps.knowledge.domain.chunk_ids import new_chunk_id
from apps.knowledge.embedders import embedder_for
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.errors import MixedEmbeddings
from apps.knowledge.indexing import bump
from apps.knowledge.models import Chunk, Collection, Document
from apps.knowledge.services import create_collection
from apps.runtime.embedding import BUILTIN
from apps.runtime.minilm import DIMENSIONS
from apps.runtime.snapshot import Snapshot, SnapshotChunk, read_snapshot, write_snapshot

if TYPE_CHECKING:
    from apps.accounts.models import User

CHUNKS_AT_ONCE = 2_000
"""Rows held while a snapshot is written or read: about 6 MB."""
_TOLD = ("media_type", "size_bytes", "sha256", "page_count", "char_count", "chunk_count")


def export_snapshot(collections: Iterable[Collection], path: Path) -> Path:
    """Write what is searchable now into the folder `path`; the same rows give the same bytes.

    Raises MixedEmbeddings where the collections cannot be searched together.
    """
    rows = list(collections)
    if len({row.embedding_model for row in rows}) > 1:
        raise MixedEmbeddings(names=", ".join(row.name for row in rows))
    with transaction.atomic():
        named = _named(rows)
        documents = [
            {"name": name, "document_id": str(document.pk)}
            | ({"collection": document.collection.name} if len(rows) > 1 else {})
            | {field: getattr(document, field) for field in _TOLD}
            for name, document in named
        ]
        write_snapshot(path, documents, _chunks(named), _model(rows), _dimensions(rows))
    return path


def import_snapshot(path: Path, owner: User, name: str, title: str) -> Collection:
    """Make a collection of a snapshot; passages keep their ids where those are free.

    Its documents have no original file: they can be searched and read, not indexed anew.
    Raises SnapshotBroken, NameTaken, BadName.
    """
    snapshot = read_snapshot(path)
    with transaction.atomic():
        collection = create_collection(
            owner=owner, name=name, title=title, embedding_model=snapshot.embedder
        )
        documents = _import_documents(collection, snapshot)
        _import_chunks(collection, snapshot, documents)
        bump(collection.pk)
    collection.refresh_from_db()
    return collection


def original_files(collections: Iterable[Collection]) -> Iterator[tuple[str, str, File[bytes]]]:
    """(collection name, document name, open file) of every searchable document that has its file."""
    ready = Document.objects.filter(collection__in=list(collections), status=DocumentStatus.READY)
    rows = ready.exclude(file="").select_related("collection")
    for document in sorted(rows, key=lambda row: (row.collection.name, row.name)):
        with document.file.open("rb") as file:
            yield document.collection.name, document.name, file


def _named(collections: Sequence[Collection]) -> list[tuple[str, Document]]:
    """Searchable documents by name; a name that stands in two collections is led by theirs."""
    rows = Document.objects.filter(collection__in=collections, status=DocumentStatus.READY)
    documents = list(rows.select_related("collection"))
    often = Counter(document.name for document in documents)
    named = [
        (row.name if often[row.name] == 1 else f"{row.collection.name}/{row.name}", row)
        for row in documents
    ]
    return sorted(named, key=lambda pair: (pair[0], str(pair[1].pk)))


def _chunks(named: Sequence[tuple[str, Document]]) -> Iterator[SnapshotChunk]:
    """Chunks in the order of the documents, a few documents or a part of a long one per query."""
    for part in _parts(named):
        names = {document.pk: name for name, document in part}
        order = {document.pk: place for place, (_, document) in enumerate(part)}
        rows = Chunk.objects.filter(document__in=list(names)).order_by("document", "ordinal")
        if len(part) == 1:
            source: Iterable[Chunk] = rows.order_by("ordinal").iterator(CHUNKS_AT_ONCE)
        else:
            source = sorted(rows, key=lambda row: (order[row.document_id], row.ordinal))
        for chunk in source:
            yield SnapshotChunk(
                chunk_id=str(chunk.pk),
                document_id=str(chunk.document_id),
                document=names[chunk.document_id],
                ordinal=chunk.ordinal,
                text=chunk.text,
                start=chunk.start,
                end=chunk.end,
                vector=chunk.embedding,
                page=chunk.page,
                heading=chunk.heading,
            )


def _parts(named: Sequence[tuple[str, Document]]) -> Iterator[list[tuple[str, Document]]]:
    part: list[tuple[str, Document]] = []
    count = 0
    for pair in named:
        if part and count + pair[1].chunk_count > CHUNKS_AT_ONCE:
            yield part
            part, count = [], 0
        part.append(pair)
        count += pair[1].chunk_count
    if part:
        yield part


def _model(collections: Sequence[Collection]) -> str:
    return collections[0].embedding_model if collections else BUILTIN


def _dimensions(collections: Sequence[Collection]) -> int:
    first = Chunk.objects.filter(
        collection__in=collections, document__status=DocumentStatus.READY
    ).first()
    if first is not None:
        return len(first.embedding)
    if _model(collections) == BUILTIN:
        return DIMENSIONS
    return embedder_for(collections[0]).dimensions


def _import_documents(collection: Collection, snapshot: Snapshot) -> dict[str, UUID]:
    """Rows of the documents; returns their ids by name."""
    taken = _taken(Document, [row.get("document_id", "") for row in snapshot.documents])
    rows = [
        Document(
            id=_kept(row.get("document_id", ""), taken) or uuid4(),
            collection=collection,
            name=row["name"],
            status=DocumentStatus.READY,
            indexed_at=timezone.now(),
            **{field: row[field] for field in _TOLD if field in row},
        )
        for row in snapshot.documents
    ]
    Document.objects.bulk_create(rows, batch_size=500)
    return {row.name: row.pk for row in rows}


def _import_chunks(collection: Collection, snapshot: Snapshot, documents: dict[str, UUID]) -> None:
    for begin in range(0, len(snapshot.chunks), CHUNKS_AT_ONCE):
        part = snapshot.chunks[begin : begin + CHUNKS_AT_ONCE]
        taken = _taken(Chunk, [passage.chunk_id for passage in part])
        Chunk.objects.bulk_create(
            Chunk(
                id=_kept(passage.chunk_id, taken)
                or new_chunk_id(passage.document, passage.ordinal, passage.text),
                collection=collection,
                document_id=documents[passage.document],
                ordinal=passage.ordinal,
                text=passage.text,
                start=passage.start,
                end=passage.end,
                page=passage.page,
                heading=passage.heading[:300],
                embedding=snapshot.vectors[begin + place],
            )
            for place, passage in enumerate(part)
        )


def _taken(model: Any, ids: Sequence[str]) -> set[UUID]:
    wanted = [UUID(pk) for pk in ids if _is_uuid(pk)]
    found: set[UUID] = set()
    for begin in range(0, len(wanted), 500):
        part = wanted[begin : begin + 500]
        found |= set(model.objects.filter(pk__in=part).values_list("pk", flat=True))
    return found


def _kept(pk: str, taken: set[UUID]) -> UUID | None:
    return UUID(pk) if _is_uuid(pk) and UUID(pk) not in taken else None


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
