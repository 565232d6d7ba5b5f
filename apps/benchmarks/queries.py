from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from apps.benchmarks.models import BenchRun
from apps.projects.models import SpecVersion
from apps.projects.queries import projects_for

if TYPE_CHECKING:
    from apps.accounts.models import User


def bench_runs_for(user: User) -> QuerySet[BenchRun]:
    rows = BenchRun.objects.select_related("project", "version", "job", "created_by")
    return rows.filter(project__in=projects_for(user))


def comparable_runs(run: BenchRun) -> QuerySet[BenchRun]:
    """The other finished load runs of the same project, newest first."""
    rows = BenchRun.objects.select_related("version", "job").filter(project=run.project)
    return rows.exclude(pk=run.pk).filter(job__status="succeeded")


def latest_run(version: SpecVersion) -> BenchRun | None:
    """The newest finished load run of a version, for reports."""
    rows = BenchRun.objects.select_related("job", "version")
    return rows.filter(version=version, job__status="succeeded").first()


def resources_of(run: BenchRun) -> dict[str, list[tuple[float, float, int]]]:
    """Part -> [(t_s, cpu_percent, rss_bytes)], by time."""
    parts: dict[str, list[tuple[float, float, int]]] = {}
    for part, t_s, cpu, rss in run.resources.values_list("part", "t_s", "cpu_percent", "rss_bytes"):
        parts.setdefault(part, []).append((t_s, cpu, rss))
    return parts
