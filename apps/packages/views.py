from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.packages.contents import folders_of
from apps.packages.forms import StartExportForm
from apps.packages.queries import exports_for
from apps.packages.services import delete_export, start_export
from apps.projects.enums import Act
from apps.projects.models import Project
from apps.projects.queries import project_for, require_role
from apps.ui.http import StudioRequest, hx_redirect, page

PAGE_SIZE = 50


@login_required
@require_GET
def index(request: StudioRequest, project_id: UUID) -> HttpResponse:
    project = project_for(request.user, project_id)
    return _index(request, project, StartExportForm(project=project))


@login_required
@require_POST
def start(request: StudioRequest, project_id: UUID) -> HttpResponse:
    project = project_for(request.user, project_id, Act.SHIP)
    form = StartExportForm(request.POST, project=project)
    if form.is_valid():
        version = form.cleaned_data["version"]
        export = start_export(version=version, options=form.options, by=request.user)
        return hx_redirect(request, export.get_absolute_url())
    return _index(request, project, form)


@login_required
@require_GET
def detail(request: StudioRequest, export_id: UUID) -> HttpResponse:
    export = get_object_or_404(exports_for(request.user), pk=export_id)
    context = {
        "export": export,
        "project": export.project,
        "tab": "packages",
        "folders": folders_of(export.contents),
        "folder": export.project.name,
    }
    return render(request, page(request, "packages/detail"), context)


@login_required
@require_GET
def download(request: StudioRequest, export_id: UUID) -> FileResponse:
    export = get_object_or_404(exports_for(request.user), pk=export_id)
    require_role(request.user, export.project, Act.SHIP)
    if not export.file:
        raise Http404("This package was not made.")
    response = FileResponse(
        export.file.open("rb"),
        as_attachment=True,
        filename=export.filename,
        content_type="application/zip",
    )
    response["Content-Length"] = str(export.size_bytes)
    response["X-Content-Type-Options"] = "nosniff"
    response["ETag"] = f'"{export.sha256}"'
    return response


@login_required
@require_POST
def delete(request: StudioRequest, export_id: UUID) -> HttpResponse:
    export = get_object_or_404(exports_for(request.user), pk=export_id)
    require_role(request.user, export.project, Act.SHIP)
    delete_export(export=export)
    return hx_redirect(request, reverse("packages:index", args=[export.project_id]))


def _index(request: StudioRequest, project: Project, form: StartExportForm) -> HttpResponse:
    rows: Any = exports_for(request.user).filter(project=project).defer("contents")
    exports = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "project": project,
        "tab": "packages",
        "form": form,
        "exports": exports,
        "can_export": form.versions.exists(),
        "active": any(export.is_active for export in exports),
    }
    return render(request, page(request, "packages/index"), context, status=form.status)
