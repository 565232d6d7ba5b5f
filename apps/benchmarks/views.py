from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.benchmarks import presentation
from apps.benchmarks.forms import StartBenchForm
from apps.benchmarks.models import BenchRun
from apps.benchmarks.queries import bench_runs_for, comparable_runs
from apps.benchmarks.report import bench_csv, bench_report
from apps.benchmarks.services import delete_run, remote_servers, start_bench
from apps.evaluations.words_only import words_only
from apps.projects.enums import Act
from apps.projects.models import Project
from apps.projects.queries import project_for, require_role
from apps.runtime.errors import StudioError
from apps.ui.http import StudioRequest, hx_redirect, page

PAGE_SIZE = 50


@login_required
@require_safe
def index(request: StudioRequest, project_id: UUID) -> HttpResponse:
    project = project_for(request.user, project_id)
    rows = bench_runs_for(request.user).filter(project=project).defer("series", "profile")
    runs = Paginator(rows, PAGE_SIZE)
    shown = runs.get_page(request.GET.get("page"))
    context = _start_context(project, StartBenchForm(project=project)) | {
        "runs": shown,
        "rows": [(row, presentation.cells(row)) for row in shown],
        "active": any(row.job and row.job.is_active for row in shown),
    }
    return render(request, page(request, "benchmarks/index"), context)


@login_required
@require_http_methods(["GET", "POST"])
def start(request: StudioRequest, project_id: UUID) -> HttpResponse:
    project = project_for(request.user, project_id, Act.PROVE)
    form = StartBenchForm(request.POST if request.method == "POST" else None, project=project)
    if form.is_valid():
        version, profile = form.cleaned_data["version"], form.cleaned_data["profile"]
        try:
            run = start_bench(version=version, profile=profile, by=request.user)
        except StudioError as error:
            form.add_error(None, str(error))
        else:
            return hx_redirect(request, run.get_absolute_url())
    context = _start_context(project, form)
    return render(request, page(request, "benchmarks/start"), context, status=form.status)


@login_required
@require_safe
def compare(request: StudioRequest, project_id: UUID) -> HttpResponse:
    """Two load runs side by side, the older one first. ?run=<id>&run=<id>"""
    project = project_for(request.user, project_id)
    runs = bench_runs_for(request.user).filter(project=project)
    asked = list(dict.fromkeys(request.GET.getlist("run")))
    chosen = sorted(
        (get_object_or_404(runs, pk=_uuid(value)) for value in asked[:2]),
        key=lambda run: run.created_at,
    )
    context: dict[str, Any] = {"project": project}
    if len(asked) != 2 or not all(run.summary for run in chosen):
        return render(request, page(request, "benchmarks/compare"), context, status=422)
    first, second = chosen
    context |= {
        "first": first,
        "second": second,
        "profiles": (presentation.profile_of(first), presentation.profile_of(second)),
        "same_profile": _load_of(first) == _load_of(second),
        "differences": presentation.differences(first, second),
    }
    return render(request, page(request, "benchmarks/compare"), context)


@login_required
@require_safe
def run(request: StudioRequest, run_id: UUID) -> HttpResponse:
    row = get_object_or_404(bench_runs_for(request.user), pk=run_id)
    active = bool(row.job and row.job.is_active)
    context: dict[str, Any] = {
        "run": row,
        "project": row.project,
        "profile": presentation.profile_of(row),
        "cards": presentation.cards(row),
        "latencies": presentation.latency_rows(row),
        "charts": presentation.charts(row),
        "distributions": [] if active else presentation.distribution_charts(row),
        "resources": [] if active else presentation.resource_rows(row),
    }
    if not request.htmx:
        context["others"] = comparable_runs(row)[:50]
    return render(request, page(request, "benchmarks/run"), context)


@login_required
@require_safe
def report(request: StudioRequest, run_id: UUID, kind: str) -> HttpResponse:
    row = get_object_or_404(bench_runs_for(request.user), pk=run_id)
    name = slugify(f"{row.project.name} {row.version} load") or "load"
    if kind == "json":
        response: HttpResponse = JsonResponse(bench_report(row), json_dumps_params={"indent": 2})
    elif kind == "csv":
        response = HttpResponse(bench_csv(row), content_type="text/csv; charset=utf-8")
    else:
        raise Http404
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response


@login_required
@require_POST
def delete(request: StudioRequest, run_id: UUID) -> HttpResponse:
    row = get_object_or_404(bench_runs_for(request.user), pk=run_id)
    require_role(request.user, row.project, Act.PROVE)
    try:
        delete_run(row)
    except StudioError as error:
        messages.error(request, str(error))
        return hx_redirect(request, row.get_absolute_url())
    messages.success(request, "The load run is deleted.")
    return hx_redirect(request, reverse("benchmarks:index", args=[row.project_id]))


def _start_context(project: Project, form: StartBenchForm) -> dict[str, Any]:
    newest = project.versions.select_related("project__owner").first()
    context: dict[str, Any] = {"project": project, "form": form, "can_start": newest is not None}
    context["words_only"] = words_only(newest)
    try:
        servers = remote_servers(newest) if newest else []
    except StudioError as error:
        return context | {"trouble": str(error)}
    return context | {"remote": [urlsplit(one.base_url).hostname or one.name for one in servers]}


def _load_of(run: BenchRun) -> dict[str, Any]:
    ignored = {"slo", "seed", "allow_remote", "calibrate"}
    return {name: value for name, value in run.profile.items() if name not in ignored}


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise Http404 from error
