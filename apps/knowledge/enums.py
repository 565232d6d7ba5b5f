from __future__ import annotations

from django.db import models


class DocumentStatus(models.TextChoices):
    QUEUED = "queued", "Waiting"
    INDEXING = "indexing", "Indexing"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    REFUSED = "refused", "Refused"
