"""Frozen versions: build, list, compare, look at one, take one back into the draft."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.catalog.domain.catalog import components
from apps.projects.canvas_views import with_icons
from apps.projects.domain.canvas_compare import compared, same_flow, shown
from apps.projects.domain.diff import describe
from apps.projects.domain.flow import flow
from apps.projects.enums import Act
from apps.projects.forms import NameVersionForm
from apps.projects.models import Project, ProjectEvent, SpecVersion
from apps.projects.queries import project_for, require_role, spec_of, versions_for
from apps.projects.version_services import (
    bring_back_draft,
    build_version,
    name_version,
    restore_version,
)
from apps.runtime.errors import StudioError
from apps.ui.http import StudioRequest, hx_redirect, page, whole_number

PAGE_SIZE = 50


@login_required
@require_POST
def build(request: StudioRequest, project_id: UUID) -> HttpResponse:
    """Freeze the draft and go where it can be tried; back to the review if something is missing."""
    project = project_for(request.user, project_id, Act.BUILD)
    name = request.POST.get("name", "").replace("\0", "").strip()[:80]
    return build_and_try(request, project, name)


def build_and_try(request: StudioRequest, project: Project, name: str = "") -> HttpResponse:
    try:
        version = build_version(project=project, by=request.user, name=name)
    except StudioError as error:
        messages.error(request, str(error))
        return hx_redirect(request, reverse("projects:wizard", args=[project.pk, "review"]))
    messages.success(request, f"Version {version} is built.")
    return hx_redirect(request, _where_to_try(version))


@login_required
@require_safe
def versions(request: StudioRequest, project_id: UUID) -> HttpResponse:
    project = project_for(request.user, project_id)
    rows = project.versions.select_related("created_by").defer("spec", "graph", "yaml")
    listed = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"project": project, "versions": listed, "tab": "versions"}
    context |= _comparison(request, project)
    context["replaced"] = _replaced(project)
    return render(request, page(request, "projects/versions"), context)


@login_required
@require_http_methods(["GET", "POST"])
def version(request: StudioRequest, project_id: UUID, number: int) -> HttpResponse:
    """One version; POST names it. What it froze never changes."""
    found = _found(request, project_id, number)
    if request.method == "GET" and "download" in request.GET:
        response = HttpResponse(found.yaml, content_type="application/yaml; charset=utf-8")
        name = f"{found.project.name}-v{found.number}.yaml"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response
    form = NameVersionForm(
        request.POST if request.method == "POST" else None,
        initial={"name": found.name, "notes": found.notes},
    )
    if form.is_valid():
        name_version(version=found, **form.cleaned_data)
        messages.success(request, "Saved.")
        return hx_redirect(request, found.get_absolute_url())
    spec = spec_of(found)
    before = found.project.versions.filter(number__lt=found.number).first()
    context = {
        "project": found.project,
        "version": found,
        "form": form,
        "flow": [(one, components()[one.component]) for one in flow(spec)],
        "before": before,
        "changes": describe(spec_of(before), spec) if before else [],
        "drawing": with_icons(shown(spec)),
        "drawing_title": "Flow",
        "yaml_markdown": f"~~~~~~~~~~yaml\n{found.yaml}\n~~~~~~~~~~",
        "tab": "versions",
    }
    return render(request, page(request, "projects/version"), context, status=form.status)


@login_required
@require_POST
def revert(request: StudioRequest, project_id: UUID, number: int) -> HttpResponse:
    """Take a version's document back into the draft."""
    found = _found(request, project_id, number)
    try:
        restore_version(version=found, by=request.user)
    except StudioError as error:
        messages.error(request, str(error))
        return hx_redirect(request, found.get_absolute_url())
    messages.success(request, f"The draft is version {found} again.")
    return hx_redirect(request, reverse("projects:wizard", args=[found.project_id, "review"]))


@login_required
@require_POST
def bring_back(request: StudioRequest, project_id: UUID, event_id: int) -> HttpResponse:
    """The draft that a version replaced becomes the draft again."""
    project = project_for(request.user, project_id, Act.CHANGE)
    event = get_object_or_404(project.events.exclude(document=""), pk=event_id)
    try:
        bring_back_draft(event=event, by=request.user)
    except StudioError as error:
        messages.error(request, str(error))
        return hx_redirect(request, reverse("projects:versions", args=[project.pk]))
    messages.success(request, "The draft from before is back.")
    return hx_redirect(request, reverse("projects:wizard", args=[project.pk, "review"]))


def _replaced(project: Project) -> ProjectEvent | None:
    """The newest draft that a version replaced, while it says something else than the draft."""
    event = project.events.exclude(document="").first()
    return event if event and event.document != project.draft.yaml else None


def _found(request: StudioRequest, project_id: UUID, number: int) -> SpecVersion:
    rows = versions_for(request.user).select_related("project__draft")
    version = get_object_or_404(rows, project_id=project_id, number=number)
    if request.method == "POST":
        require_role(request.user, version.project, Act.CHANGE)
    return version


def _comparison(request: StudioRequest, project: Project) -> dict[str, Any]:
    """The two versions named by ?old=&new=, older first, and what changed between them."""
    named = {whole_number(request.GET.get(key)) for key in ("old", "new")}
    numbers = sorted(number for number in named if number is not None)
    found = [row for number in numbers if (row := project.versions.filter(number=number).first())]
    if len(found) != 2:
        return {"same": len(numbers) == 1}
    old, new = found
    before, after = spec_of(old), spec_of(new)
    same = same_flow(before, after)
    return {
        "old": old,
        "new": new,
        "changes": describe(before, after),
        "drawing": with_icons(shown(after) if same else compared(before, after)),
        "drawing_title": "The flow is the same in both" if same else "What changed in the flow",
        "drawing_marks": not same,
    }


def _where_to_try(version: SpecVersion) -> str:
    try:
        return reverse("sandboxes:sandbox", args=[version.project_id])
    except NoReverseMatch:
        return version.get_absolute_url()
