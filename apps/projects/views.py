"""The list of projects, a new one, one at a glance, deletion and its undoing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Max, Q, QuerySet
from django.http import FileResponse, Http404, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.catalog.domain.catalog import application, applications, components
from apps.connections.enums import SERVING
from apps.connections.queries import endpoints_for, kinds_of, served_models
from apps.projects import samples
from apps.projects.domain.flow import flow
from apps.projects.domain.schema import json_schema
from apps.projects.domain.steps import step_of
from apps.projects.domain.validate import Context, findings
from apps.projects.enums import Act
from apps.projects.forms import CreateProjectForm, SampleForm
from apps.projects.models import Project, SpecVersion
from apps.projects.queries import (
    deleted_projects_for,
    facts_of,
    owned_collections,
    project_for,
    projects_for,
    role_of,
    spec_of,
    tags_of,
)
from apps.projects.sample import install_sample
from apps.projects.services import clone_project, create_project, delete_project, restore_project
from apps.projects.stages import progress_of
from apps.runtime.errors import StudioError
from apps.ui.http import StudioRequest, hx_redirect, page, whole_number

if TYPE_CHECKING:
    from apps.accounts.models import User

PAGE_SIZE = 50
ORDERS = {
    "changed": ("-updated_at", "Last changed"),
    "title": ("title", "Title"),
    "created": ("-created_at", "Newest"),
}


WHOSE = {"": "Everybody's", "mine": "Mine", "shared": "Shared with me"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list is narrowed to by its address."""

    words: str = ""
    order: str = "changed"
    application: str = ""
    tag: str = ""
    whose: str = ""

    @classmethod
    def of(cls, query: QueryDict) -> Wanted:
        asked = {key: query.get(key, "").replace("\0", "").strip()[:200] for key in query}
        order, whose = asked.get("order", ""), asked.get("whose", "")
        return cls(
            asked.get("q", ""),
            order if order in ORDERS else "changed",
            asked.get("application", ""),
            asked.get("tag", ""),
            whose if whose in WHOSE else "",
        )

    @property
    def narrowed(self) -> bool:
        return bool(self.words or self.application or self.tag or self.whose)

    def narrow(self, rows: QuerySet[Project], user: User) -> QuerySet[Project]:
        for word in self.words.split():
            rows = rows.filter(
                Q(title__icontains=word)
                | Q(name__icontains=word)
                | Q(description__icontains=word)
                | Q(tags__icontains=word)
            )
        if self.application:
            rows = rows.filter(application=self.application)
        if self.tag:
            rows = rows.filter(tags__contains=f",{self.tag},")
        if self.whose:
            own = Q(owner=user)
            rows = rows.filter(own if self.whose == "mine" else ~own)
        return rows


@login_required
@require_safe
def index(request: StudioRequest) -> HttpResponse:
    wanted = Wanted.of(request.GET)
    visible = projects_for(request.user)
    rows = wanted.narrow(visible, request.user).annotate(newest=Max("versions__number"))
    rows = rows.order_by(ORDERS[wanted.order][0], "pk")
    projects = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "projects": projects,
        "wanted": wanted,
        "orders": [(key, label) for key, (_, label) in ORDERS.items()],
        "whose": WHOSE,
        "tags": tags_of(visible),
        "deleted": deleted_projects_for(request.user)[:20],
        "titles": {row.id: row.title for row in applications()},
    }
    return render(request, page(request, "projects/index"), context)


@login_required
@require_http_methods(["GET", "POST"])
def create(request: StudioRequest) -> HttpResponse:
    """The wizard's first step for a project that does not exist yet."""
    form = CreateProjectForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        project = create_project(owner=request.user, **form.cleaned_data)
        if project.application == "custom":
            return hx_redirect(request, reverse("projects:canvas", args=[project.pk]))
        return hx_redirect(request, reverse("projects:wizard", args=[project.pk, "model"]))
    context = {"form": form, "applications": applications()}
    return render(request, page(request, "projects/create"), context, status=form.status)


@login_required
@require_safe
def gallery(request: StudioRequest) -> HttpResponse:
    """Every sample with what it contains and needs; one press installs it."""
    return _gallery(request)


def _gallery(request: StudioRequest, refused: SampleForm | None = None) -> HttpResponse:
    rows = list(endpoints_for(request.user).filter(kind__in=SERVING))
    servers = [
        (f"{row.name}/{model}", f"{row.title}: {model}" if model else row.title)
        for row in rows
        for model in row.model_names or [""]
    ]
    context = {
        "samples": [(row, application(row.application)) for row in samples.SAMPLES],
        "servers": servers,
        # With one connection there is nothing to choose between, so installing takes one press.
        "proposed": servers[0][0] if len(rows) == 1 else "",
        "form": refused,
    }
    return render(
        request, page(request, "projects/gallery"), context, status=422 if refused else 200
    )


@login_required
@require_POST
def sample(request: StudioRequest) -> HttpResponse:
    """Make a sample project with its documents: `sample`, the first by default, and for each of its needs
    `served-<key>`, a connection and its model."""
    serving = endpoints_for(request.user).filter(kind__in=SERVING)
    form = SampleForm(request.POST, connections=set(serving.values_list("name", flat=True)))
    if not form.is_valid():
        return _gallery(request, form)
    chosen = form.chosen
    project = install_sample(owner=request.user, sample_id=chosen.id, served=form.served())
    indexed = " Its documents are being indexed." if chosen.collection else ""
    messages.success(request, f"{project.title} is installed.{indexed}")
    return hx_redirect(request, project.get_absolute_url())


@login_required
@require_safe
def sample_file(request: StudioRequest, sample_id: str, name: str) -> FileResponse:
    """A picture, recording or document to try a sample with."""
    try:
        path = samples.sample(sample_id).file(name)
    except KeyError as error:
        raise Http404 from error
    return FileResponse(path.open("rb"), as_attachment=True, filename=name)


@login_required
@require_safe
def overview(request: StudioRequest, project_id: UUID) -> HttpResponse:
    project = project_for(request.user, project_id)
    spec = spec_of(project.draft)
    collections = list(owned_collections(project.owner))
    models = served_models(project.owner)
    context_of = Context(
        connections=models, kinds=kinds_of(project.owner), collections=facts_of(collections)
    )
    found = findings(spec, context_of)
    titles = {row.name: row.title for row in collections}
    versions = list(project.versions.select_related("created_by").defer("spec", "graph"))
    context = {
        "project": project,
        "spec": spec.spec,
        "application": application(spec.spec.application),
        "flow": [(one, components()[one.component]) for one in flow(spec, titles)],
        "findings": [(finding, step_of(finding.path)) for finding in found],
        "progress": progress_of(project, versions, found),
        "version": versions[0] if versions else None,
        "role": role_of(request.user, project),
        "members": project.memberships.count(),
        "tab": "overview",
    }
    return render(request, page(request, "projects/overview"), context)


@login_required
@require_POST
def clone(request: StudioRequest, project_id: UUID) -> HttpResponse:
    """A copy of one's own: of the draft, or of a version (`version`: its number)."""
    project = project_for(request.user, project_id)
    number = request.POST.get("version", "")
    source: Project | SpecVersion = project
    if number:
        source = get_object_or_404(project.versions, number=whole_number(number) or 0)
    copied = clone_project(source=source, by=request.user)
    messages.success(request, f"{copied.title} is yours.")
    return hx_redirect(request, copied.get_absolute_url())


@login_required
@require_POST
def delete(request: StudioRequest, project_id: UUID) -> HttpResponse:
    project = project_for(request.user, project_id, Act.DELETE)
    delete_project(project=project, by=request.user)
    messages.success(request, f"{project.title} is deleted. It can be restored for 30 days.")
    return hx_redirect(request, reverse("projects:index"))


@login_required
@require_POST
def restore(request: StudioRequest, project_id: UUID) -> HttpResponse:
    project = get_object_or_404(deleted_projects_for(request.user), pk=project_id)
    try:
        restore_project(project=project, by=request.user)
    except StudioError as error:
        messages.error(request, str(error))
        return hx_redirect(request, reverse("projects:index"))
    messages.success(request, f"{project.title} is back.")
    return hx_redirect(request, project.get_absolute_url())


@require_safe
def schema(request: StudioRequest) -> HttpResponse:
    """The JSON Schema of project files, for editors; needs no login."""
    address = request.build_absolute_uri(request.path)
    response = JsonResponse(json_schema(address), json_dumps_params={"indent": 2})
    response["Content-Type"] = "application/schema+json"
    response["Access-Control-Allow-Origin"] = "*"
    response["Cache-Control"] = "public, max-age=3600"
    return response
