from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.evaluations import presentation, starters
from apps.evaluations.domain.dataset_io import ALIASES
from apps.evaluations.errors import DatasetRefused
from apps.evaluations.forms import SampleFilterForm, StartRunForm, UploadDatasetForm
from apps.evaluations.models import EvalRun
from apps.evaluations.queries import (
    SORTS,
    comparable_runs,
    datasets_for,
    questions_of,
    runs_for,
    samples_of,
)
from apps.evaluations.report import run_csv, run_report
from apps.evaluations.services import create_dataset, delete_run, start_run
from apps.evaluations.services import delete_dataset as delete_dataset_with_runs
from apps.evaluations.words_only import words_only
from apps.projects.enums import Act
from apps.projects.models import Project
from apps.projects.queries import project_for, require_role
from apps.runtime.errors import StudioError
from apps.ui.http import StudioRequest, hx_redirect, page, sought_words

PAGE_SIZE = 50
CHANGES_SHOWN = 25


@login_required
@require_safe
def index(request: StudioRequest, project_id: UUID) -> HttpResponse:
    project = project_for(request.user, project_id)
    runs = Paginator(runs_for(request.user).filter(project=project), PAGE_SIZE)
    datasets = Paginator(datasets_for(request.user).filter(project=project), PAGE_SIZE)
    shown = runs.get_page(request.GET.get("page"))
    context = _start_context(project, StartRunForm(project=project)) | {
        "runs": shown,
        "rows": [(row, presentation.headline(row)) for row in shown],
        "datasets": datasets.get_page(request.GET.get("datasets")),
        "active": any(row.job and row.job.is_active for row in shown),
    }
    return render(request, page(request, "evaluations/index"), context)


@login_required
@require_http_methods(["GET", "POST"])
def upload(request: StudioRequest, project_id: UUID) -> HttpResponse:
    posted = request.method == "POST"
    project = project_for(request.user, project_id, Act.PROVE)
    form = UploadDatasetForm(request.POST if posted else None, request.FILES if posted else None)
    context: dict[str, Any] = {"project": project, "form": form, "aliases": ALIASES}
    if form.is_valid():
        try:
            dataset = create_dataset(project=project, by=request.user, **form.cleaned_data)
        except DatasetRefused as error:
            form.add_error("file", str(error))
            context["findings"] = error.findings
        except StudioError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"{dataset.name}: {dataset.question_count} questions.")
            return hx_redirect(request, dataset.get_absolute_url())
    return render(request, page(request, "evaluations/upload"), context, status=form.status)


@login_required
@require_http_methods(["GET", "POST"])
def start(request: StudioRequest, project_id: UUID) -> HttpResponse:
    project = project_for(request.user, project_id, Act.PROVE)
    initial = {"dataset": request.GET.get("dataset"), "version": request.GET.get("version")}
    posted = request.POST if request.method == "POST" else None
    form = StartRunForm(posted, project=project, initial=initial)
    if form.is_valid():
        try:
            run = start_run(by=request.user, **form.cleaned_data)
        except StudioError as error:
            form.add_error(None, str(error))
        else:
            return hx_redirect(request, run.get_absolute_url())
    context = _start_context(project, form)
    return render(request, page(request, "evaluations/start"), context, status=form.status)


@login_required
@require_safe
def compare(request: StudioRequest, project_id: UUID) -> HttpResponse:
    """Two runs over the same questions, the older one first. ?run=<id>&run=<id>"""
    project = project_for(request.user, project_id)
    runs = runs_for(request.user).filter(project=project)
    asked = list(dict.fromkeys(request.GET.getlist("run")))
    chosen = sorted(
        (get_object_or_404(runs, pk=_uuid(value)) for value in asked[:2]),
        key=lambda run: run.created_at,
    )
    if len(asked) != 2 or chosen[0].dataset_id != chosen[1].dataset_id:
        context: dict[str, Any] = {"project": project, "asked": len(asked)}
        return render(request, page(request, "evaluations/compare"), context, status=422)
    first, second = chosen
    better, worse = presentation.changes(first, second)
    context = {
        "project": project,
        "first": first,
        "second": second,
        "differences": presentation.differences(first, second),
        "better": better[:CHANGES_SHOWN],
        "worse": worse[:CHANGES_SHOWN],
        "better_count": len(better),
        "worse_count": len(worse),
        "same_knowledge": first.collections == second.collections,
    }
    return render(request, page(request, "evaluations/compare"), context)


@login_required
@require_safe
def template(request: StudioRequest, kind: str) -> HttpResponse:
    """A small, valid dataset to start from."""
    if kind not in starters.FILES:
        raise Http404
    text, content_type = starters.FILES[kind]
    return _download(text, content_type, f"questions.{kind}")


@login_required
@require_safe
def dataset(request: StudioRequest, dataset_id: UUID) -> HttpResponse:
    row = get_object_or_404(datasets_for(request.user), pk=dataset_id)
    words = sought_words(request)
    questions = Paginator(questions_of(row, words), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "dataset": row,
        "project": row.project,
        "questions": questions,
        "words": words,
        "run_count": row.runs.count(),
    }
    return render(request, page(request, "evaluations/dataset"), context)


@login_required
@require_POST
def delete_dataset(request: StudioRequest, dataset_id: UUID) -> HttpResponse:
    row = get_object_or_404(datasets_for(request.user), pk=dataset_id)
    require_role(request.user, row.project, Act.PROVE)
    try:
        delete_dataset_with_runs(row)
    except StudioError as error:
        messages.error(request, str(error))
        return hx_redirect(request, row.get_absolute_url())
    messages.success(request, f"{row.name} is deleted.")
    return hx_redirect(request, reverse("evaluations:index", args=[row.project_id]))


@login_required
@require_safe
def run(request: StudioRequest, run_id: UUID) -> HttpResponse:
    row = get_object_or_404(runs_for(request.user), pk=run_id)
    context = _run_context(row)
    if not request.htmx:
        context |= _samples_context(request, row) | {"others": comparable_runs(row)[:50]}
    return render(request, page(request, "evaluations/run"), context)


@login_required
@require_safe
def samples(request: StudioRequest, run_id: UUID) -> HttpResponse:
    """The judged questions of a run: filtered, searched, sorted, by pages."""
    row = get_object_or_404(runs_for(request.user), pk=run_id)
    if not request.htmx:
        return hx_redirect(request, f"{row.get_absolute_url()}?{request.GET.urlencode()}#samples")
    return render(request, "evaluations/_samples.html", _samples_context(request, row))


@login_required
@require_safe
def sample(request: StudioRequest, run_id: UUID, ordinal: int) -> HttpResponse:
    row = get_object_or_404(runs_for(request.user), pk=run_id)
    shown = get_object_or_404(samples_of(row), ordinal=ordinal)
    neighbours = samples_of(row).values_list("ordinal", flat=True)
    context = {
        "run": row,
        "project": row.project,
        "sample": shown,
        "pieces": presentation.marked_answer(shown),
        "passages": presentation.shown_passages(shown),
        "values": presentation.metric_values(shown, row),
        "previous": neighbours.filter(ordinal__lt=ordinal).order_by("-ordinal").first(),
        "next": neighbours.filter(ordinal__gt=ordinal).order_by("ordinal").first(),
    }
    return render(request, page(request, "evaluations/sample"), context)


@login_required
@require_safe
def report(request: StudioRequest, run_id: UUID, kind: str) -> HttpResponse:
    row = get_object_or_404(runs_for(request.user), pk=run_id)
    name = slugify(f"{row.project.name} {row.version} {row.dataset.name}") or "evaluation"
    if kind == "csv":
        return _download("\ufeff" + run_csv(row), "text/csv; charset=utf-8", f"{name}.csv")
    if kind == "json":
        response = JsonResponse(run_report(row), json_dumps_params={"indent": 2})
        response["Content-Disposition"] = f'attachment; filename="{name}.json"'
        return response
    raise Http404


@login_required
@require_POST
def delete(request: StudioRequest, run_id: UUID) -> HttpResponse:
    row = get_object_or_404(runs_for(request.user), pk=run_id)
    require_role(request.user, row.project, Act.PROVE)
    try:
        delete_run(row)
    except StudioError as error:
        messages.error(request, str(error))
        return hx_redirect(request, row.get_absolute_url())
    messages.success(request, "The evaluation is deleted.")
    return hx_redirect(request, reverse("evaluations:index", args=[row.project_id]))


def _start_context(project: Project, form: StartRunForm) -> dict[str, Any]:
    newest = project.versions.first()
    has_versions = newest is not None
    return {
        "project": project,
        "form": form,
        "words_only": words_only(newest),
        "can_start": has_versions and project.datasets.exists(),
        "has_versions": has_versions,
    }


def _run_context(row: EvalRun) -> dict[str, Any]:
    return {
        "run": row,
        "project": row.project,
        "figures": presentation.figures(row),
        "gates": presentation.gates(row),
        "changed": presentation.changed_collections(row),
        "verdicts": presentation.verdict_chart(row),
        "f1": presentation.distribution_chart(row, "token-f1"),
    }


def _samples_context(request: StudioRequest, row: EvalRun) -> dict[str, Any]:
    form = SampleFilterForm(request.GET)
    form.is_valid()
    chosen = {name: form.cleaned_data.get(name, "") for name in ("verdict", "q", "sort")}
    rows = samples_of(row, verdict=chosen["verdict"], search=chosen["q"], sort=chosen["sort"])
    return {
        "run": row,
        "samples": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "chosen": chosen,
        "verdict_filters": presentation.verdict_filters(row),
        "sorts": [
            (
                name,
                label
                if name in {"ordinal", "duration"}
                else f"Lowest {presentation.label_of(name, row.k)}",
            )
            for name, label in SORTS.items()
        ],
    }


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as error:
        raise Http404 from error


def _download(text: str, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(text, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
