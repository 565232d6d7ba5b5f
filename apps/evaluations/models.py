"""Questions with reference answers, and runs of a frozen version over them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse

from apps.jobs.models import Job
from apps.projects.models import Project, SpecVersion


class Dataset(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    question_count = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="dataset_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("evaluations:dataset", args=[self.pk])


class Question(models.Model):
    """references: accepted answers. relevant: document names that hold the answer. evidence: words
    that the right passage contains."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="questions")
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    references = models.JSONField(default=list)
    relevant = models.JSONField(default=list)
    evidence = models.TextField(blank=True)

    class Meta:
        ordering = ["dataset", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "ordinal"], name="question_ordinal")
        ]

    def __str__(self) -> str:
        return self.text


class EvalRun(models.Model):
    """One evaluation of one frozen version. Its status is its job's. summary: metric id ->
    {value, low, high, n}."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="eval_runs")
    version = models.ForeignKey(SpecVersion, models.CASCADE, related_name="eval_runs")
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="runs")
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    metrics = models.JSONField(default=list)
    k = models.PositiveIntegerField(default=6)
    seed = models.PositiveIntegerField(default=0)
    summary = models.JSONField(default=dict)
    collections = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.dataset} on {self.version}"

    def get_absolute_url(self) -> str:
        return reverse("evaluations:run", args=[self.pk])


class Sample(models.Model):
    """What one question got in one run. metrics: metric id -> value or null."""

    run = models.ForeignKey(EvalRun, models.CASCADE, related_name="samples")
    question = models.ForeignKey(Question, models.CASCADE)
    ordinal = models.PositiveIntegerField()
    answer = models.TextField(blank=True)
    passages = models.JSONField(default=list)
    metrics = models.JSONField(default=dict)
    verdict = models.CharField(max_length=20, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.TextField(blank=True)
    duration_ms = models.FloatField(null=True)

    class Meta:
        ordering = ["run", "ordinal"]
        constraints = [models.UniqueConstraint(fields=["run", "ordinal"], name="sample_ordinal")]

    def __str__(self) -> str:
        return f"{self.run_id}#{self.ordinal}"
