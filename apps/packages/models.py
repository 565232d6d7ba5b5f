"""Deployment packages that were exported from frozen versions."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse

from apps.jobs.models import Job
from apps.projects.models import Project, SpecVersion


def archive_path(export: PackageExport, filename: str) -> str:
    return f"packages/{export.project_id}/{export.pk}.zip"


class PackageExport(models.Model):
    """findings: what `verify` said. A package with an error finding has no file."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="exports")
    version = models.ForeignKey(SpecVersion, models.CASCADE, related_name="exports")
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    options = models.JSONField(default=dict)
    file = models.FileField(upload_to=archive_path, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size_bytes = models.PositiveBigIntegerField(default=0)
    findings = models.JSONField(default=list)
    contents = models.JSONField(default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"package of {self.version}"

    def get_absolute_url(self) -> str:
        return reverse("packages:detail", args=[self.pk])

    @property
    def filename(self) -> str:
        return f"{self.project.name}-v{self.version.number}.zip"

    @property
    def is_active(self) -> bool:
        return bool(self.job and self.job.is_active)

    @property
    def is_offered(self) -> bool:
        return bool(self.file)
