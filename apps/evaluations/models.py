"""Questions with reference answers, and runs of a frozen version over them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse

from apps.evaluations.enums import VERDICT_LOOKS, VerdictChoice
from apps.jobs.models import Job
from apps.projects.models import Project, SpecVersion


class Dataset(models.Model):
    """findings: the warnings of the upload. with_references, with_targets: how many questions have
    a reference answer, and how many say which passages are right."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=120)
    file_name = models.CharField(max_length=200, blank=True)
    format = models.CharField(max_length=8, blank=True)
    sha256 = models.CharField(max_length=64)
    question_count = models.PositiveIntegerField(default=0)
    with_references = models.PositiveIntegerField(default=0)
    with_targets = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list)
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
    """references: accepted answers. relevant: names of documents that hold the answer. evidence:
    phrases whose words the right passage contains. line: where it stood in the file."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="questions")
    ordinal = models.PositiveIntegerField()
    line = models.PositiveIntegerField(default=0)
    text = models.TextField()
    references = models.JSONField(default=list)
    relevant = models.JSONField(default=list)
    evidence = models.JSONField(default=list)

    class Meta:
        ordering = ["dataset", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "ordinal"], name="question_ordinal")
        ]

    def __str__(self) -> str:
        return self.text


class EvalRun(models.Model):
    """One evaluation of one frozen version. Its status is its job's.

    metrics      metric ids in the order of the report
    summary      metric id -> {value, low, high, n}; also "verdicts" -> {verdict: count}, "latency"
    collections  the knowledge as it was: [{name, title, revision}]
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="eval_runs")
    version = models.ForeignKey(SpecVersion, models.CASCADE, related_name="eval_runs")
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="runs")
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    metrics = models.JSONField(default=list)
    k = models.PositiveIntegerField(default=6)
    seed = models.PositiveIntegerField(default=0)
    model = models.CharField(max_length=200, blank=True)
    summary = models.JSONField(default=dict)
    collections = models.JSONField(default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.dataset} on {self.version}"

    def get_absolute_url(self) -> str:
        return reverse("evaluations:run", args=[self.pk])


class Sample(models.Model):
    """What one question got in one run.

    passages   what was retrieved, best first: Passage fields and `right`
    metrics    metric id -> value or null
    details    unsupported figures and names, quoted share, recall of the reference
    """

    run = models.ForeignKey(EvalRun, models.CASCADE, related_name="samples")
    question = models.ForeignKey(Question, models.CASCADE, related_name="+")
    ordinal = models.PositiveIntegerField()
    answer = models.TextField(blank=True)
    citations = models.JSONField(default=list)
    passages = models.JSONField(default=list)
    metrics = models.JSONField(default=dict)
    details = models.JSONField(default=dict)
    verdict = models.CharField(max_length=12, choices=VerdictChoice)
    reason = models.CharField(max_length=300, blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.TextField(blank=True)
    ttft_ms = models.FloatField(null=True)
    duration_ms = models.FloatField(null=True)

    class Meta:
        ordering = ["run", "ordinal"]
        indexes = [models.Index(fields=["run", "verdict"])]
        constraints = [models.UniqueConstraint(fields=["run", "ordinal"], name="sample_ordinal")]

    def __str__(self) -> str:
        return f"{self.run_id}#{self.ordinal}"

    def get_absolute_url(self) -> str:
        return reverse("evaluations:sample", args=[self.run_id, self.ordinal])

    @property
    def look(self) -> str:
        """The status whose badge suits the verdict."""
        return VERDICT_LOOKS[self.verdict]

    @property
    def shown_metrics(self) -> dict[str, str]:
        """The values that a list shows, as text."""
        return {
            "f1": _text(self.metrics.get("token-f1")),
            "recall": _text(self.metrics.get("recall-at-k")),
            "grounded": _text(self.metrics.get("groundedness")),
            "quoted": _text(self.details.get("quoted")),
        }


def _text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"
