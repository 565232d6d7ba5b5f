"""Collections of documents and the chunks they were cut into."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse

from apps.jobs.models import Job
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.fields import EmbeddingField


class Collection(models.Model):
    """name is what a project's YAML calls it; unique per owner. revision counts changes of content.

    ingest_job: the one job that indexes waiting documents; uploads that come while it runs join it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="collections")
    name = models.SlugField(max_length=63)
    title = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    chunk_size = models.PositiveIntegerField(default=800)
    chunk_overlap = models.PositiveIntegerField(default=120)
    embedding_model = models.CharField(max_length=200, default="builtin:all-minilm-l6-v2")
    revision = models.PositiveBigIntegerField(default=0)
    ingest_job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["title"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="collection_name")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("knowledge:collection", args=[self.pk])


def upload_path(document: Document, filename: str) -> str:
    """Where the original lies in storage: never under its own name, never with its own suffix."""
    return f"documents/{document.collection_id}/{document.pk}"


class Document(models.Model):
    """An uploaded file. name is its path inside the uploaded folder, with forward slashes.

    Only READY documents are searched. A file uploaded again is a second row that `replaces` the
    first until it is READY; then the first goes, in the same transaction (`indexing.delete_rows`).
    index_key: what the chunks were made from and how; equal keys need no second indexing.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    collection = models.ForeignKey(Collection, models.CASCADE, related_name="documents")
    name = models.CharField(max_length=400)
    file = models.FileField(upload_to=upload_path, max_length=200)
    media_type = models.CharField(max_length=120)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    status = models.CharField(
        max_length=10, choices=DocumentStatus, default=DocumentStatus.QUEUED, db_index=True
    )
    replaces = models.OneToOneField(
        "self", models.DO_NOTHING, null=True, blank=True, related_name="replacement"
    )
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="documents")
    index_key = models.CharField(max_length=64, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.TextField(blank=True)
    page_count = models.PositiveIntegerField(default=0)
    char_count = models.PositiveBigIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    indexed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "name"],
                condition=models.Q(replaces__isnull=True),
                name="document_name",
            )
        ]
        indexes = [models.Index(fields=["collection", "status"])]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("knowledge:document", args=[self.pk])

    @property
    def is_active(self) -> bool:
        return self.status in (DocumentStatus.QUEUED, DocumentStatus.INDEXING)


class Chunk(models.Model):
    """One retrievable piece of a document; start and end are offsets in the extracted text."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    collection = models.ForeignKey(Collection, models.CASCADE, related_name="chunks")
    document = models.ForeignKey(Document, models.CASCADE, related_name="chunks")
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    start = models.PositiveBigIntegerField()
    end = models.PositiveBigIntegerField()
    page = models.PositiveIntegerField(null=True, blank=True)
    heading = models.CharField(max_length=300, blank=True)
    embedding = EmbeddingField()

    class Meta:
        ordering = ["document", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["document", "ordinal"], name="chunk_ordinal")
        ]

    def __str__(self) -> str:
        return f"{self.document_id}#{self.ordinal}"


class StoreCopy(models.Model):
    """A collection's vectors in a vector store, which follow its rows.

    collection_id outlives the collection: a copy without one is still to be removed from its store.
    connection is looked up by name and owner; address_key says which server that was.
    token       of the marker that was left in the store when it was last filled from nothing
    revision    the collection's when the copy was last complete, -1 while it never was since then
    chunks      vectors in it at that revision
    busy_until  somebody writes to the store until then, and says so again in between
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    collection_id = models.UUIDField(db_index=True)
    title = models.CharField(max_length=120)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    connection = models.CharField(max_length=63)
    kind = models.CharField(max_length=10)
    address_key = models.CharField(max_length=64)
    token = models.CharField(max_length=32, blank=True)
    dimension = models.PositiveIntegerField(default=0)
    revision = models.BigIntegerField(default=-1)
    chunks = models.PositiveBigIntegerField(default=0)
    busy_until = models.DateTimeField(null=True, blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    error = models.TextField(blank=True)
    followed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["connection"]
        constraints = [
            models.UniqueConstraint(fields=["collection_id", "address_key"], name="store_copy")
        ]

    def __str__(self) -> str:
        return f"{self.title} in {self.connection}"


class StoredDocument(models.Model):
    """A document whose vectors are in a store; they may be there in part while it is not done."""

    copy = models.ForeignKey(StoreCopy, models.CASCADE, related_name="documents")
    document_id = models.UUIDField()
    chunks = models.PositiveIntegerField(default=0)
    done = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["copy", "document_id"], name="stored_document")
        ]

    def __str__(self) -> str:
        return f"{self.document_id} of {self.copy_id}"
