"""The wizard: every step its own address and form, all over the one spec."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from apps.catalog.domain.catalog import applications, components
from apps.connections.enums import EndpointKind
from apps.connections.forms import CreateEndpointForm
from apps.connections.models import Endpoint
from apps.knowledge.services import create_collection
from apps.projects.domain.diff import describe
from apps.projects.domain.flow import flow
from apps.projects.domain.ops import assign, digest
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.steps import (
    SLUGS,
    STEPS,
    Step,
    following,
    preceding,
    states,
    step_of,
    steps_of,
)
from apps.projects.domain.summary import in_words
from apps.projects.domain.validate import Context, findings
from apps.projects.domain.yaml_io import parse
from apps.projects.enums import Act
from apps.projects.errors import DraftConflict
from apps.projects.models import Project
from apps.projects.queries import facts_of, owned_collections, project_for, role_of, spec_of
from apps.projects.sample import free_collection_name
from apps.projects.services import keep_unfit_input, remember_step, save_changes
from apps.projects.version_views import build_and_try
from apps.projects.wizard_forms import FORMS, ModelForm
from apps.projects.wizard_knowledge_forms import KnowledgeForm
from apps.projects.wizard_step_forms import StepForm, findings_by_field
from apps.projects.wizard_task_forms import TASK_FORMS, SpeechForm
from apps.runtime.errors import StudioError
from apps.ui.http import StudioRequest, hx_redirect

UNFIT_LIMIT = 100_000
"""Characters of typed values that are kept although they do not fit."""
NOT_INPUT = ("csrfmiddlewaretoken", "seen", "go")


class Desk:
    """What a wizard page works with: the project, its spec and what its owner has."""

    def __init__(self, request: StudioRequest, project_id: UUID, slug: str) -> None:
        if slug not in SLUGS:
            raise Http404
        self.request = request
        self.step: Step = STEPS[SLUGS.index(slug)]
        writes = request.method == "POST"
        act = Act.CHANGE if writes else Act.LOOK
        self.project: Project = project_for(request.user, project_id, act)
        self.endpoints = list(Endpoint.objects.filter(owner_id=self.project.owner_id))
        self.collections = list(owned_collections(self.project.owner))
        self.spec: ProjectSpec = spec_of(self.project.draft)

    def reload(self) -> None:
        self.project.draft.refresh_from_db()
        self.spec = spec_of(self.project.draft)

    def remember(self, step: str) -> None:
        """Where the project's people go on; who only looks leaves it where they were."""
        if role_of(self.request.user, self.project).may(Act.CHANGE):
            remember_step(project=self.project, step=step)

    @property
    def fresh(self) -> bool:
        """Whether this step was opened only now: what it lacks is no mistake yet."""
        furthest = self.project.draft.wizard_step
        passed = furthest in SLUGS and SLUGS.index(furthest) > SLUGS.index(self.step.slug)
        return not passed and self.request.method != "POST"

    @property
    def titles(self) -> dict[str, str]:
        return {row.name: row.title for row in self.collections}

    def surroundings(self) -> Context:
        models = {row.name: tuple(row.model_names) for row in self.endpoints}
        kinds = {row.name: row.kind for row in self.endpoints}
        return Context(connections=models, kinds=kinds, collections=facts_of(self.collections))

    def form(self, data: Any = None) -> StepForm:
        kind = {**FORMS, **TASK_FORMS}[self.step.slug]
        extra: dict[str, Any] = {}
        if kind in (ModelForm, SpeechForm):
            speaking = (EndpointKind.OPENAI, EndpointKind.OPEA)
            extra["endpoints"] = [row for row in self.endpoints if row.kind in speaking]
        if kind is ModelForm:
            if (chosen := self.request.GET.get("choose")) and data is None:
                extra["typed"] = {"connection": chosen}
        elif kind is KnowledgeForm:
            extra["collections"] = self.collections
            extra["endpoints"] = self.endpoints
        return kind(data, spec=self.spec, auto_id="wizard_%s", **extra)

    def context(self, form: StepForm | None = None, **more: Any) -> dict[str, Any]:
        draft, slug = self.project.draft, self.step.slug
        found = findings(self.spec, self.surroundings())
        path, kind = steps_of(self.spec.spec.application), self.spec.spec.application
        here = [one for one in found if step_of(one.path) == slug]
        at_field, rest = findings_by_field(form, here)
        return {
            "project": self.project,
            "draft": draft,
            "step": self.step,
            "steps": states(kind, slug, draft.wizard_step, found, draft.unfit_input),
            "number": 1 + sum(SLUGS.index(one.slug) < SLUGS.index(slug) for one in path),
            "before": preceding(kind, slug),
            "after": STEPS[SLUGS.index(following(kind, slug))],
            "form": form,
            "spec": self.spec.spec,
            "seen": digest(self.spec, self.step.parts),
            "flow": [(one, components()[one.component]) for one in flow(self.spec, self.titles)],
            "yaml_markdown": f"~~~~~~~~~~yaml\n{draft.yaml}\n~~~~~~~~~~",
            "fresh": self.fresh,
            "step_findings": here,
            "at_field": at_field,
            "elsewhere": rest,
            "findings": [(one, step_of(one.path)) for one in found],
            "blocked": any(one.severity == "error" for one in found),
            "applications": applications(),
            "builtin": self.spec.spec.model.connection == "builtin",
            "collections": self.collections,
            "connect_form": CreateEndpointForm() if slug == "model" else None,
            "autosave_now": slug == "model" and "choose" in self.request.GET,
            "tab": "knowledge" if slug == "knowledge" else "wizard",
            **more,
        }


@login_required
@require_http_methods(["GET", "POST"])
def wizard(request: StudioRequest, project_id: UUID, step: str) -> HttpResponse:
    """One step. POST saves it and goes on (`go`: a step's slug, or "try"), or only saves for htmx."""
    desk = Desk(request, project_id, step)
    if step == "review":
        return _review(desk)
    if request.method == "POST":
        return _save(desk)
    desk.remember(step)
    kept = desk.project.draft.unfit_input.get(step)
    form = desk.form(_typed(kept) if kept and "choose" not in request.GET else None)
    return render(request, "projects/wizard.html", desk.context(form, **_open_collection(desk)))


@login_required
@require_POST
def collect(request: StudioRequest, project_id: UUID) -> HttpResponse:
    """Make a collection for this project and add it to the project's knowledge."""
    desk = Desk(request, project_id, "knowledge")
    title = request.POST.get("title", "").replace("\0", "").strip()[:120] or desk.project.title
    knowledge = desk.spec.spec.knowledge
    owner = desk.project.owner
    try:
        collection = create_collection(
            owner=owner,
            name=free_collection_name(owner, title),
            title=title,
            chunk_size=knowledge.chunk.size,
            chunk_overlap=knowledge.chunk.overlap,
        )
        # An imported file may name a collection that is only made now.
        names = dict.fromkeys([*knowledge.collections, collection.name])
        save_changes(
            project=desk.project,
            changes={"spec.knowledge.collections": list(names)},
            parts=(("spec", "knowledge", "collections"),),
            seen=digest(desk.spec, (("spec", "knowledge", "collections"),)),
            by=request.user,
        )
    except StudioError as error:
        context = desk.context(desk.form(), error=str(error))
        return render(request, "projects/wizard.html", context, status=422)
    here = reverse("projects:wizard", args=[desk.project.pk, "knowledge"])
    return hx_redirect(request, f"{here}?open={collection.name}#add-documents")


def _save(desk: Desk) -> HttpResponse:
    request, slug = desk.request, desk.step.slug
    form = desk.form(request.POST)
    fits = form.is_valid()
    keep_unfit_input(project=desk.project, place=slug, values=None if fits else _raw(request.POST))
    go = request.POST.get("go", "")
    if fits:
        try:
            save_changes(
                project=desk.project,
                changes=form.changes(),
                parts=desk.step.parts,
                seen=request.POST.get("seen", ""),
                by=request.user,
            )
        except DraftConflict as conflict:
            return _conflict(desk, form, conflict)
        except StudioError as error:
            form.add_error(None, str(error))
            fits = False
    desk.reload()
    if request.htmx:
        context = desk.context(form, saved_at=timezone.now())
        return render(request, "projects/_saved.html", context)
    if go == "try" and fits:
        return build_and_try(request, desk.project)
    target = following(desk.spec.spec.application, slug) if go == "next" else go
    if target in SLUGS and (fits or go != "next"):
        remember_step(project=desk.project, step=target)
        return hx_redirect(request, reverse("projects:wizard", args=[desk.project.pk, target]))
    if fits:
        return hx_redirect(request, request.path)
    context = desk.context(form, **_open_collection(desk))
    return render(request, "projects/wizard.html", context, status=422)


def _conflict(desk: Desk, form: StepForm, conflict: DraftConflict) -> HttpResponse:
    """Both sides, with a way to keep either. Nothing was written."""
    desk.reload()
    yours = assign(desk.spec, form.changes())
    context = desk.context(
        form,
        conflict=conflict,
        differences=describe(desk.spec, yours),
        typed=_raw(desk.request.POST),
    )
    if desk.request.htmx:
        return render(desk.request, "projects/_saved.html", context)
    return render(desk.request, "projects/conflict.html", context, status=409)


def _review(desk: Desk) -> HttpResponse:
    if desk.request.method == "POST":
        raise Http404
    desk.remember("review")
    built = desk.project.versions.first()
    context = desk.context(
        summary=[
            (STEPS[SLUGS.index(slug)], rows)
            for slug, rows in in_words(desk.spec, desk.titles).items()
        ],
        built=built,
        changes=_changes_since(desk, built),
    )
    return render(desk.request, "projects/wizard.html", context)


def _changes_since(desk: Desk, built: Any) -> list[str]:
    before = parse(built.yaml)[0] if built else None
    return describe(before, desk.spec) if before else []


def _open_collection(desk: Desk) -> dict[str, Any]:
    """The collection whose upload area the knowledge step shows."""
    if desk.step.slug != "knowledge":
        return {}
    chosen = desk.spec.spec.knowledge.collections
    wanted = desk.request.GET.get("open", "") or (chosen[-1] if chosen else "")
    rows = {row.name: row for row in desk.collections}
    return {"opened": rows.get(wanted), "chosen": [rows[name] for name in chosen if name in rows]}


def _raw(post: QueryDict) -> dict[str, list[str]] | None:
    values = {key: post.getlist(key) for key in post if key not in NOT_INPUT}
    size = sum(len(text) for texts in values.values() for text in texts)
    return values if size <= UNFIT_LIMIT else None


def _typed(values: dict[str, list[str]]) -> QueryDict:
    data = QueryDict(mutable=True)
    for key, texts in values.items():
        data.setlist(key, texts)
    return data
