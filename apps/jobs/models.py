"""One row for every piece of background work, whatever it does."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from apps.jobs.enums import ACTIVE, RETRYABLE, JobStatus

STALE_AFTER_S = 20.0
"""A running job without a heartbeat for this long has lost its worker."""


class Job(models.Model):
    """kind is the task's name ("knowledge.ingest"); target_id names the row that it works on."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=64, db_index=True)
    target_id = models.CharField(max_length=64, db_index=True)
    target_url = models.CharField(max_length=300, blank=True)
    title = models.CharField(max_length=200)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="jobs")
    status = models.CharField(max_length=12, choices=JobStatus, default=JobStatus.QUEUED)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    message = models.CharField(max_length=300, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.TextField(blank=True)
    log = models.TextField(blank=True)
    attempt = models.PositiveIntegerField(default=0)
    claimed_by = models.CharField(max_length=120, blank=True)
    cancel_requested = models.BooleanField(default=False)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["status", "heartbeat_at"])]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("jobs:detail", args=[self.pk])

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def is_silent(self) -> bool:
        """Whether a running job shows no sign of life, and nobody could write that down yet."""
        if self.status != JobStatus.RUNNING or not self.heartbeat_at:
            return False
        return (timezone.now() - self.heartbeat_at).total_seconds() > STALE_AFTER_S

    @property
    def is_retryable(self) -> bool:
        return self.status in RETRYABLE

    @property
    def percent(self) -> int:
        return min(100, round(100 * self.done / self.total)) if self.total else 0

    @property
    def duration_ms(self) -> float | None:
        """How long the last attempt took; None before its end."""
        if not self.started_at or not self.finished_at:
            return None
        return max(0.0, (self.finished_at - self.started_at).total_seconds() * 1000)
