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
