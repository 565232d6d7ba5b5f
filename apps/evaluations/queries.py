from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, F, FloatField, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from apps.evaluations.domain.catalogue import METRIC_IDS
from apps.evaluations.models import Dataset, EvalRun, Question, Sample
from apps.projects.models import SpecVersion
from apps.projects.queries import projects_for

if TYPE_CHECKING:
    from apps.accounts.models import User

SORTS = {"ordinal": "In order", "duration": "Slowest first"} | {
    name: f"Lowest {name}" for name in METRIC_IDS if name not in {"correct"}
}


def datasets_for(user: User) -> QuerySet[Dataset]:
    return Dataset.objects.select_related("project").filter(project__in=projects_for(user))


def runs_for(user: User) -> QuerySet[EvalRun]:
    rows = EvalRun.objects.select_related("project", "version", "dataset", "job", "created_by")
    return rows.filter(project__in=projects_for(user))


def comparable_runs(run: EvalRun) -> QuerySet[EvalRun]:
    """The other runs over the same questions, newest first."""
    rows = EvalRun.objects.select_related("version", "job").filter(dataset=run.dataset)
    return rows.exclude(pk=run.pk)


def latest_run(version: SpecVersion) -> EvalRun | None:
    """The newest finished run of a version, for gates and reports."""
    rows = EvalRun.objects.select_related("dataset", "job", "version")
    return rows.filter(version=version, job__status="succeeded").first()


def questions_of(dataset: Dataset, search: str = "") -> QuerySet[Question]:
    rows = dataset.questions.all()
    return rows.filter(text__icontains=search) if search else rows


def samples_of(
    run: EvalRun, *, verdict: str = "", search: str = "", sort: str = ""
) -> QuerySet[Sample]:
    """The judged samples of a run: filtered, searched in question and answer, sorted."""
    rows = Sample.objects.select_related("question").filter(run=run)
    if verdict:
        rows = rows.filter(verdict=verdict)
    if search:
        rows = rows.filter(Q(question__text__icontains=search) | Q(answer__icontains=search))
    return rows.order_by(*_order(sort))


def verdict_counts(run: EvalRun) -> dict[str, int]:
    rows = Sample.objects.filter(run=run).order_by().values_list("verdict").annotate(n=Count("pk"))
    return dict(rows)


def _order(sort: str) -> list[OrderBy]:
    last = F("ordinal").asc()
    if sort == "duration":
        return [F("duration_ms").desc(nulls_last=True), last]
    if sort in SORTS and sort != "ordinal":
        return [Cast(KT(f"metrics__{sort}"), FloatField()).asc(nulls_last=True), last]
    return [last]
