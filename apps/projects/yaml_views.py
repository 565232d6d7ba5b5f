"""The project file as text: edit, check while typing, upload, download."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.catalog.domain.catalog import components
from apps.projects.domain.blueprints import STORES
from apps.projects.domain.diff import describe
from apps.projects.domain.findings import Finding
from apps.projects.domain.validate import Context
from apps.projects.domain.validate import check as check_text
from apps.projects.domain.yaml_io import parse
from apps.projects.enums import Act
from apps.projects.errors import DraftConflict, SpecRefused
from apps.projects.forms import YamlForm
from apps.projects.models import Project
from apps.projects.queries import context_for, project_for
from apps.projects.services import keep_unfit_input, save_draft
from apps.projects.wizard_views import UNFIT_LIMIT
from apps.runtime.errors import StudioError
from apps.ui.http import StudioRequest, hx_redirect


@login_required
@require_http_methods(["GET", "POST"])
def yaml(request: StudioRequest, project_id: UUID) -> HttpResponse:
    writes = request.method == "POST"
    project = project_for(request.user, project_id, Act.CHANGE if writes else Act.LOOK)
    if writes:
        return _save(request, project)
    if "download" in request.GET:
        return _download(project)
    kept = project.draft.unfit_input.get("yaml")
    text = kept or project.draft.yaml
    return _page(request, project, text, unfit=bool(kept))


@login_required
@require_POST
def check(request: StudioRequest, project_id: UUID) -> HttpResponse:
    """The findings for a text that is being typed; nothing is saved."""
    project = project_for(request.user, project_id)
    text = request.POST.get("yaml", "").replace("\r\n", "\n")
    spec, found = check_text(text, context_for(project.owner))
    context = {"project": project, "rows": _rows(text, found), "valid": spec is not None}
    return render(request, "projects/_findings.html", context)


def _save(request: StudioRequest, project: Project) -> HttpResponse:
    form = YamlForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, project, request.POST.get("yaml", ""), status=422, form=form)
    text = form.text()
    base = form.cleaned_data["base_revision"]
    try:
        save_draft(
            project=project,
            yaml=text,
            base_revision=project.draft.revision if base is None else base,
            by=request.user,
        )
    except DraftConflict as conflict:
        return _conflict(request, project, text, conflict)
    except StudioError as error:
        kept = text if len(text) <= UNFIT_LIMIT else None
        keep_unfit_input(project=project, place="yaml", values=kept)
        return _page(request, project, text, status=422, unfit=True, error=error)
    keep_unfit_input(project=project, place="yaml", values=None)
    messages.success(request, "Saved.")
    return hx_redirect(request, reverse("projects:yaml", args=[project.pk]))


def _page(
    request: StudioRequest,
    project: Project,
    text: str,
    *,
    status: int = 200,
    unfit: bool = False,
    error: StudioError | None = None,
    form: YamlForm | None = None,
) -> HttpResponse:
    found_in = context_for(project.owner)
    spec, found = check_text(text, found_in)
    if form is None:
        form = YamlForm(initial={"yaml": text, "base_revision": project.draft.revision})
    context: dict[str, Any] = {
        "project": project,
        "form": form,
        "rows": _rows(text, found),
        "valid": spec is not None,
        "unfit": unfit,
        "error": None if isinstance(error, SpecRefused) else error,
        "values": _values(found_in),
        "tab": "yaml",
    }
    return render(request, "projects/yaml.html", context, status=status)


def _values(owned: Context) -> dict[str, list[str]]:
    """What the editor proposes where the file names things of the project's owner."""
    connections = ["builtin", *(owned.connections or {})]
    collections = list(owned.collections or {})
    return {
        "spec.model.connection": connections,
        "spec.model.name": [
            "extractive",
            *sorted({name for names in (owned.connections or {}).values() for name in names}),
        ],
        "spec.knowledge.collections": collections,
        "spec.knowledge.embedding.connection": connections,
        "spec.knowledge.rerank.connection": connections[1:],
        "spec.knowledge.store.connection": [
            name for name in connections[1:] if owned.kinds.get(name) in STORES
        ],
        "spec.speech.recognition.connection": connections[1:],
        "spec.speech.synthesis.connection": connections[1:],
        "spec.flow.nodes.component": list(components()),
    }


def _conflict(
    request: StudioRequest, project: Project, text: str, conflict: DraftConflict
) -> HttpResponse:
    project.draft.refresh_from_db()
    theirs, yours = parse(project.draft.yaml)[0], parse(text)[0]
    context = {
        "project": project,
        "conflict": conflict,
        "differences": describe(theirs, yours) if theirs and yours else [],
        "yaml": text,
        "tab": "yaml",
    }
    return render(request, "projects/conflict.html", context, status=409)


def _download(project: Project) -> HttpResponse:
    response = HttpResponse(project.draft.yaml, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{project.name}.yaml"'
    return response


def _rows(text: str, found: list[Finding]) -> list[dict[str, Any]]:
    """Each finding with the line of the text that it is about."""
    lines = text.split("\n")
    return [
        {
            "finding": finding,
            "source": lines[finding.line - 1].strip()[:120]
            if 0 < finding.line <= len(lines)
            else "",
        }
        for finding in found
    ]
