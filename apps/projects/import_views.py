"""Projects of other programs: read, look at what would be made of them, make it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from apps.catalog.domain.catalog import application, components
from apps.projects.domain.findings import Finding
from apps.projects.domain.flow import flow
from apps.projects.domain.importers.importing import FORMATS, Imported, import_bytes
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.summary import in_words
from apps.projects.domain.validate import findings
from apps.projects.domain.yaml_io import brief, parse
from apps.projects.forms import ImportForm
from apps.projects.queries import context_for
from apps.projects.services import import_project
from apps.ui.http import StudioRequest, hx_redirect, page

OTHERS = 20
"""Projects of one file that are shown beside the first; any can be imported by its name elsewhere."""
GROUPS = (
    ("error", "In the way", "alert"),
    ("warning", "Changed, left out, or left to do", "alert"),
    ("info", "Carried over", "check"),
)


@login_required
@require_http_methods(["GET", "POST"])
def import_(request: StudioRequest) -> HttpResponse:
    """The file first, then what would be made of it, which a second post confirms."""
    if request.method == "POST" and "yaml" in request.POST:
        return _confirmed(request)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        form = ImportForm(request.POST, request.FILES)
    context: dict[str, Any] = {"form": form, "formats": FORMATS.values()}
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, page(request, "projects/import"), context, status=status)
    raw, name = form.given()
    imported = import_bytes(raw, name)
    others = [import_bytes(raw, name, one) for one in imported.others[:OTHERS]]
    context |= {"form": ImportForm(), **_preview(request, imported)}
    context["others"] = [_brief(one) for one in others]
    status = 200 if imported.spec else 422
    return render(request, page(request, "projects/import"), context, status=status)


def _confirmed(request: StudioRequest) -> HttpResponse:
    """The preview sends back the project, not the foreign file: that may hold secrets."""
    spec, found = parse(request.POST["yaml"].replace("\r\n", "\n"))
    if spec is None:
        context = {"form": ImportForm(), "formats": FORMATS.values(), "groups": _groups(found)}
        return render(request, page(request, "projects/import"), context, status=422)
    source = FORMATS.get(request.POST.get("kind", ""), "file")
    project = import_project(owner=request.user, spec=spec, source=source)
    messages.success(request, f"{project.title} is imported.")
    return hx_redirect(request, project.get_absolute_url())


def _preview(request: StudioRequest, imported: Imported) -> dict[str, Any]:
    shown: dict[str, Any] = {"imported": imported, "groups": _groups(imported.notes)}
    if imported.spec is None:
        return shown
    spec = imported.spec
    text = brief(spec)
    return shown | {
        "format": FORMATS[imported.kind],
        "application": application(spec.spec.application),
        "words": [row for rows in in_words(spec).values() for row in rows],
        "flow": [(one, components()[one.component]) for one in flow(spec)],
        "edges": _edges(spec),
        "findings": findings(spec, context_for(request.user)),
        "yaml": text,
        "yaml_markdown": f"~~~~~~~~~~yaml\n{text}\n~~~~~~~~~~",
    }


def _brief(imported: Imported) -> dict[str, Any]:
    """Another project of the same file, to be chosen instead or as well."""
    shown: dict[str, Any] = {"imported": imported, "groups": _groups(imported.notes)}
    if spec := imported.spec:
        shown |= {"application": application(spec.spec.application), "yaml": brief(spec)}
    return shown


def _edges(spec: ProjectSpec) -> list[tuple[str, str]]:
    """Of a flow of its own, which need not be a chain."""
    return [(edge.source, edge.target) for edge in spec.spec.flow.edges] if spec.spec.flow else []


def _groups(notes: list[Finding]) -> list[tuple[str, str, str, list[Finding]]]:
    rows = [
        (severity, title, icon, [one for one in notes if one.severity == severity])
        for severity, title, icon in GROUPS
    ]
    return [row for row in rows if row[3]]
