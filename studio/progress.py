"""The stages of a project that later apps know: tried, proved, shipped."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import NoReverseMatch, reverse

from apps.benchmarks.models import BenchRun
from apps.chat.models import ChatSession
from apps.evaluations.models import EvalRun
from apps.packages.models import PackageExport
from apps.projects.models import Project, SpecVersion
from apps.projects.stages import Happening, Progress, Stage, State

SHOWN = 5


def progress(project: Project, versions: Sequence[SpecVersion]) -> Progress:
    newest = versions[0] if versions else None
    sessions = ChatSession.objects.filter(app_key__in=[row.app_key for row in versions])
    runs = list(
        EvalRun.objects.filter(project=project).select_related("version", "dataset", "job")[:SHOWN]
    )
    loads = list(BenchRun.objects.filter(project=project).select_related("version", "job")[:SHOWN])
    exports = list(PackageExport.objects.filter(project=project).select_related("version")[:SHOWN])
    talks = list(sessions.order_by("-created_at")[:SHOWN])
    stages = [
        _try(project, newest, talks),
        _prove(project, newest, runs, loads),
        _ship(project, newest, exports),
    ]
    return Progress(stages, _happenings(talks, runs, loads, exports))


def _try(project: Project, newest: SpecVersion | None, talks: list[ChatSession]) -> Stage:
    url = _address("sandboxes:sandbox", project)
    if newest is None:
        return Stage("Try", "chat", "later", "Needs a version", "", "")
    tried = [talk for talk in talks if talk.app_key == newest.app_key]
    if tried:
        return Stage("Try", "chat", "done", f"v{newest.number} has been asked", "Ask", url)
    return Stage("Try", "chat", "next", f"Ask v{newest.number} something", "Try it", url)


def _prove(
    project: Project, newest: SpecVersion | None, runs: list[EvalRun], loads: list[BenchRun]
) -> Stage:
    url = _address("evaluations:index", project)
    if newest is None:
        return Stage("Prove", "chart", "later", "Quality and speed", "", "")
    judged = any(run.version_id == newest.pk for run in runs)
    loaded = any(run.version_id == newest.pk for run in loads)
    if judged and loaded:
        return Stage("Prove", "chart", "done", "Evaluated and benchmarked", "Results", url)
    if judged:
        url = _address("benchmarks:index", project)
        return Stage("Prove", "chart", "next", "Evaluated, no load run yet", "Benchmark", url)
    text = "Benchmarked, not evaluated" if loaded else f"v{newest.number} is not evaluated"
    return Stage("Prove", "chart", "next", text, "Evaluate", url)


def _ship(project: Project, newest: SpecVersion | None, exports: list[PackageExport]) -> Stage:
    url = _address("packages:index", project)
    if newest is None:
        return Stage("Ship", "package", "later", "Needs a version", "", "")
    shipped = any(export.version_id == newest.pk and export.file for export in exports)
    state: State = "done" if shipped else "next"
    text = f"v{newest.number} is packaged" if shipped else f"v{newest.number} is not packaged"
    return Stage("Ship", "package", state, text, "Packages" if shipped else "Export", url)


def _happenings(
    talks: list[ChatSession],
    runs: list[EvalRun],
    loads: list[BenchRun],
    exports: list[PackageExport],
) -> list[Happening]:
    said = [
        Happening(row.created_at, "chat", f"Asked: {row.title or 'a question'}", _url(row))
        for row in talks
    ]
    judged = [
        Happening(row.created_at, "chart", f"Evaluated {row.version} on {row.dataset}", _url(row))
        for row in runs
    ]
    loaded = [
        Happening(row.created_at, "gauge", f"Load run on {row.version}", _url(row)) for row in loads
    ]
    packed = [
        Happening(row.created_at, "package", f"Exported {row.version}", _url(row))
        for row in exports
    ]
    return said + judged + loaded + packed


def _url(row: ChatSession | EvalRun | BenchRun | PackageExport) -> str:
    try:
        return row.get_absolute_url()
    except NoReverseMatch:
        return ""


def _address(name: str, project: Project) -> str:
    try:
        return reverse(name, args=[project.pk])
    except NoReverseMatch:
        return ""
