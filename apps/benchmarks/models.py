"""Load runs against a frozen version and what the machine did meanwhile."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse

from apps.jobs.models import Job
from apps.projects.models import Project, SpecVersion


def records_path(run: BenchRun, filename: str) -> str:
    return f"benchmarks/{run.project_id}/{run.pk}.jsonl.gz"


class BenchRun(models.Model):
    """One load run of one frozen version. Its status is its job's.

    label     the load in a few words
    profile   the load profile as it was at the start (`domain.profile.Profile`)
    summary   aggregates of the measured window, validity and calibration
    series    per-second values for the charts, from the start of the warm-up
    records   one JSON line per request, compressed
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="bench_runs")
    version = models.ForeignKey(SpecVersion, models.CASCADE, related_name="bench_runs")
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    label = models.CharField(max_length=120)
    profile = models.JSONField(default=dict)
    model = models.CharField(max_length=200, blank=True)
    summary = models.JSONField(default=dict)
    series = models.JSONField(default=dict)
    records = models.FileField(upload_to=records_path, blank=True)
    collections = models.JSONField(default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.label} on {self.version}"

    def get_absolute_url(self) -> str:
        return reverse("benchmarks:run", args=[self.pk])


class ResourceSample(models.Model):
    """CPU and memory of one part (app, generator, model server, system) at t_s seconds.

    cpu_percent: 100 is one core, so the system's largest value is 100 times its cores.
    """

    run = models.ForeignKey(BenchRun, models.CASCADE, related_name="resources")
    t_s = models.FloatField()
    part = models.CharField(max_length=40)
    cpu_percent = models.FloatField()
    rss_bytes = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["run", "t_s"]

    def __str__(self) -> str:
        return f"{self.part} at {self.t_s} s"
