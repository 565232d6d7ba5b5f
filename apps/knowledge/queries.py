"""Reads of collections and documents. Every read starts from what the user may see."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum

from apps.jobs.models import Job
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.models import Chunk, Collection, Document, StoreCopy

if TYPE_CHECKING:
    from apps.accounts.models import User


def collections_for(user: User) -> QuerySet[Collection]:
    """Own collections; all of them for administrators and where knowledge is shared (portals)."""
    rows = Collection.objects.select_related("owner", "ingest_job")
    if user.is_superuser or getattr(settings, "KNOWLEDGE_SHARED", False):
        return rows
    return rows.filter(owner=user)


def may_change(user: User, collection: Collection) -> bool:
    """Owner or administrator; where knowledge is shared, as `may_create`."""
    if getattr(settings, "KNOWLEDGE_SHARED", False):
        return may_create(user)
    return bool(user.is_superuser or collection.owner_id == user.pk)


def may_create(user: User) -> bool:
    """Everybody in the studio; where knowledge is shared (portals), administrators, and others
    only if KNOWLEDGE_UPLOADS says so."""
    if not getattr(settings, "KNOWLEDGE_SHARED", False):
        return True
    return bool(user.is_superuser or user.is_staff or getattr(settings, "KNOWLEDGE_UPLOADS", False))


def with_counts(rows: QuerySet[Collection]) -> QuerySet[Collection]:
    """Adds document_count (searchable), chunk_count, waiting_count and problem_count to each."""
    ready = Q(documents__status=DocumentStatus.READY)
    active = Q(documents__status__in=(DocumentStatus.QUEUED, DocumentStatus.INDEXING))
    bad = Q(documents__status__in=(DocumentStatus.FAILED, DocumentStatus.REFUSED))
    return rows.annotate(
        document_count=Count("documents", filter=ready),
        chunk_count=Sum("documents__chunk_count", filter=ready, default=0),
        waiting_count=Count("documents", filter=active),
        problem_count=Count("documents", filter=bad),
    ).order_by("title", "pk")


def documents_for(user: User) -> QuerySet[Document]:
    return Document.objects.select_related("collection", "replaces").filter(
        collection__in=collections_for(user)
    )


def status_counts(collection: Collection) -> dict[str, int]:
    """Documents per status; every status is there."""
    rows = Document.objects.filter(collection=collection).order_by()
    counted = dict(rows.values_list("status").annotate(Count("pk")))
    return {str(status): counted.get(status, 0) for status in DocumentStatus}


def chunks_for(user: User) -> QuerySet[Chunk]:
    """Chunks of searchable documents."""
    return Chunk.objects.select_related("document", "document__collection").filter(
        document__status=DocumentStatus.READY, collection__in=collections_for(user)
    )


def passage(chunk_id: UUID | str) -> Chunk | None:
    """A searchable chunk, whoever asks: for callers that have checked access by their own rows."""
    rows = Chunk.objects.select_related("document", "document__collection").defer("embedding")
    return rows.filter(pk=chunk_id, document__status=DocumentStatus.READY).first()


def neighbours(chunk: Chunk, reach: int = 1) -> tuple[list[Chunk], list[Chunk]]:
    """Chunks before and after it in its document, nearest ones, in reading order."""
    near = (
        Chunk.objects.filter(
            document=chunk.document_id,
            ordinal__range=(max(0, chunk.ordinal - reach), chunk.ordinal + reach),
        )
        .exclude(pk=chunk.pk)
        .defer("embedding")
        .order_by("ordinal")
    )
    rows = list(near)
    return (
        [row for row in rows if row.ordinal < chunk.ordinal],
        [row for row in rows if row.ordinal > chunk.ordinal],
    )


def current_job(collection: Collection) -> Job | None:
    """The job that indexes this collection, or the last one that did and did not succeed."""
    return collection.ingest_job


def copies_for(user: User) -> QuerySet[StoreCopy]:
    """What vector stores have of the collections that this user sees."""
    rows = StoreCopy.objects.select_related("job", "owner")
    return rows.filter(collection_id__in=collections_for(user).values("pk"))
