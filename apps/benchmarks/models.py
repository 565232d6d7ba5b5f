"""Load runs against a frozen version and what the machine did meanwhile."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse

from apps.jobs.models import Job
from apps.projects.models import Project, SpecVersion


class BenchRun(models.Model):
    """profile: the load profile as it was at the start. summary: aggregates of the measured window.
    series: per-second values for the charts. Status is the job's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="bench_runs")
    version = models.ForeignKey(SpecVersion, models.CASCADE, related_name="bench_runs")
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    profile = models.JSONField(default=dict)
    summary = models.JSONField(default=dict)
    series = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"load on {self.version}"

    def get_absolute_url(self) -> str:
        return reverse("benchmarks:run", args=[self.pk])


class ResourceSample(models.Model):
    """CPU and memory of one part (app, generator, model server, system) at t_s seconds."""

    run = models.ForeignKey(BenchRun, models.CASCADE, related_name="resources")
    t_s = models.FloatField()
    part = models.CharField(max_length=40)
    cpu_percent = models.FloatField()
    rss_bytes = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["run", "t_s"]

    def __str__(self) -> str:
        return f"{self.part} at {self.t_s} s"
