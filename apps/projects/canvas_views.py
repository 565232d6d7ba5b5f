"""The canvas: the page, its document, saving what was drawn, one node's settings, one node tried."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event
from pydantic import ValidationError

from apps.catalog.domain.catalog import CATEGORIES, Component, components
from apps.connections.models import Endpoint
from apps.connections.queries import model_server
from apps.knowledge.retrieval import retriever_for
from apps.projects.canvas_forms import InspectorForm, TryNodeForm
from apps.projects.canvas_services import (
    KEPT_BYTES,
    PLACE,
    forget_drawn,
    keep_drawn,
    save_canvas,
)
from apps.projects.domain.canvas import document, read_ops
from apps.projects.domain.canvas_catalog import catalog_of, places_of
from apps.projects.domain.compile import inherited, node_of
from apps.projects.domain.findings import Finding
from apps.projects.domain.spec import FlowNode, ProjectSpec
from apps.projects.domain.steps import step_of
from apps.projects.domain.validate import findings
from apps.projects.domain.yaml_io import plain
from apps.projects.enums import Act
from apps.projects.errors import DraftConflict, SpecRefused
from apps.projects.last_run import last_run
from apps.projects.models import Project
from apps.projects.queries import collections_of, context_for, project_for, role_of, spec_of
from apps.runtime import engine, events
from apps.runtime.errors import StudioError, UserFault
from apps.runtime.graph import Graph, Node
from apps.runtime.resources import Resources, RunRequest, Turn
from apps.ui.http import StudioRequest
from apps.ui.icons import PATHS

RUN_LIMIT_S = 60


def palette_groups() -> list[tuple[str, list[Component]]]:
    """The palette: titles of categories with their components; none that is empty."""
    known = components().values()
    groups = [
        (title, [row for row in known if row.category == category])
        for category, title in CATEGORIES.items()
    ]
    return [(title, rows) for title, rows in groups if rows]


class RunTooLong(UserFault):
    code = "canvas.run-too-long"
    sentence = "The node did not finish within {limit} seconds and was stopped."


@login_required
@require_safe
def canvas(request: StudioRequest, project_id: UUID) -> HttpResponse:
    project = project_for(request.user, project_id)
    context = {
        "project": project,
        "document": _document(project, request),
        "groups": palette_groups(),
        "tab": "canvas",
    }
    return render(request, "projects/canvas.html", context)


@login_required
@require_safe
def canvas_document(request: StudioRequest, project_id: UUID) -> JsonResponse:
    project = project_for(request.user, project_id)
    return JsonResponse(_document(project, request))


@login_required
@require_POST
def canvas_save(request: StudioRequest, project_id: UUID) -> JsonResponse:
    """JSON {seen, ops, settled}: 200 with the new state, 409 with theirs, 422 with findings.

    settled: what was kept from an earlier conflict is dealt with.
    """
    project = project_for(request.user, project_id, Act.CHANGE)
    try:
        body = _body(request)
        ops = read_ops(body.get("ops"))
        save_canvas(project=project, seen=str(body.get("seen", "")), ops=ops, by=request.user)
    except DraftConflict as conflict:
        _keep(project, request, body)
        project.draft.refresh_from_db()
        theirs = _document(project, request)
        return JsonResponse({"error": conflict.as_dict(), "theirs": theirs}, status=409)
    except SpecRefused as refused:
        return JsonResponse({"error": refused.as_dict()}, status=422)
    if body.get("settled"):
        forget_drawn(project=project)
    project.draft.refresh_from_db()
    return JsonResponse(_state(project, spec_of(project.draft)))


@login_required
@require_POST
def inspector(request: StudioRequest, project_id: UUID) -> HttpResponse:
    """The settings of the node in `node` (JSON, saved or not). With `filled` they are what was typed:
    what fits goes back to the canvas with the event `canvas:node`."""
    project = project_for(request.user, project_id)
    node, component = _node(request)
    spec = spec_of(project.draft)
    typed = request.POST if "filled" in request.POST else None
    if typed and (name := request.POST.get("reset")):
        kept = {key: value for key, value in node.params.items() if key != name}
        node, typed = node.model_copy(update={"params": kept}), None
        changed: FlowNode | None = node
    else:
        changed = None
    form = _inspector_form(request, project, spec, node, component, typed)
    status = form.status
    if typed and form.is_valid():
        changed = form.changed_node()
        form = _inspector_form(request, project, spec, changed, component, None)
    context = _inspector_context(request, project, spec, changed or node, component, form)
    response = render(request, "projects/_inspector.html", context, status=status)
    if changed:
        detail = {"was": request.POST.get("was") or node.id, "node": changed.model_dump()}
        trigger_client_event(response, "canvas:node", detail)
    return response


@login_required
@require_POST
async def run_node(request: StudioRequest, project_id: UUID) -> HttpResponse:
    """Run one node by itself with the given inputs and show what went in and came out."""
    prepared = await sync_to_async(_prepare)(request, project_id)
    if isinstance(prepared, HttpResponse):
        return prepared
    node, resources, form, context = prepared
    answer = sync_to_async(_tried)
    try:
        shown = await _ran(node, form.values, resources)
    except StudioError as error:
        told = {"error": str(error)}
        return await answer(request, {**context, "error": str(error)}, node, told, 422)
    told = {"duration_ms": shown["duration_ms"], "tokens": shown["tokens"], "error": ""}
    return await answer(request, {**context, "shown": shown}, node, told)


def _prepare(
    request: StudioRequest, project_id: UUID
) -> HttpResponse | tuple[Node, Resources, TryNodeForm, dict[str, Any]]:
    project = project_for(request.user, project_id, Act.CHANGE)
    drawn, component = _node(request)
    form = TryNodeForm(request.POST, request.FILES, component=component)
    context = {"project": project, "try_form": form, "node_json": _json(drawn)}
    if not form.is_valid():
        return render(request, "projects/_try_node.html", context, status=422)
    spec = spec_of(project.draft)
    try:
        node = node_of(spec, drawn, context_for(project.owner).kinds)
        resources = _resources(project, node)
    except StudioError as error:
        context["error"] = str(error)
        return render(request, "projects/_try_node.html", context, status=422)
    return node, resources, form, context


async def _ran(node: Node, values: Mapping[str, Any], resources: Resources) -> dict[str, Any]:
    """in, out, duration_ms, tokens and the text that streamed. Raises StudioError."""
    question = values.get("question") or values.get("text") or "Hello"
    request = RunRequest([Turn("user", question if isinstance(question, str) else "Hello")])
    usage, finished = 0, None
    try:
        async with asyncio.timeout(RUN_LIMIT_S):
            running = engine.run_node(node, values, request, resources)
            async with aclosing(running) as happening:
                async for event in happening:
                    if isinstance(event, events.Usage):
                        usage += event.prompt_tokens + event.completion_tokens
                    elif isinstance(event, events.Finished):
                        finished = event
    except TimeoutError as error:
        raise RunTooLong(limit=RUN_LIMIT_S) from error
    outputs = finished.outputs if finished else {}
    return {
        "in": _values(outputs.get("in", {})),
        "out": _values(outputs.get("out", {})),
        "duration_ms": round(finished.duration_ms, 1) if finished else 0,
        "tokens": usage,
    }


def _tried(
    request: StudioRequest,
    context: dict[str, Any],
    node: Node,
    told: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    response = render(request, "projects/_try_node.html", context, status=status)
    return trigger_client_event(response, "canvas:ran", {"id": node.id, **told})


def _resources(project: Project, node: Node) -> Resources:
    """What this node may need: the servers it names, and the project's knowledge."""
    names = Graph(application="custom", nodes=(node,), edges=()).connections()
    servers = {name: model_server(project.owner, name) for name in names}
    collections = collections_of(project)
    retriever = retriever_for(collections) if collections else None
    return Resources(servers=servers, retriever=retriever)


def _node(request: StudioRequest) -> tuple[FlowNode, Component]:
    """Raises SpecRefused for what is no node of a known component."""
    try:
        node = FlowNode.model_validate_json(request.POST.get("node", ""))
        return node, components()[node.component]
    except (ValidationError, KeyError) as error:
        raise SpecRefused([Finding("canvas.node", "This is no node of a known kind.")]) from error


def _inspector_form(
    request: StudioRequest,
    project: Project,
    spec: ProjectSpec,
    node: FlowNode,
    component: Component,
    typed: Any,
) -> InspectorForm:
    settings = plain(spec)["spec"]
    endpoints = list(Endpoint.objects.filter(owner_id=project.owner_id).order_by("title"))
    return InspectorForm(
        typed,
        node=node,
        component=component,
        inherited={one.name: inherited(one, settings) for one in component.parameters},
        connections={row.name: row.title for row in endpoints},
        kinds={row.name: row.kind for row in endpoints},
        models={row.name: row.model_names for row in endpoints},
        taken=frozenset(request.POST.get("taken", "").split()),
    )


def _inspector_context(
    request: StudioRequest,
    project: Project,
    spec: ProjectSpec,
    node: FlowNode,
    component: Component,
    form: InspectorForm,
) -> dict[str, Any]:
    last = last_run(project, request.user).get(node.id, {})
    last = last if last.get("component") == component.id else {}
    try_form = TryNodeForm(component=component)
    try_form.fill(last.get("in", {}))
    return {
        "project": project,
        "editable": _may_edit(request, project),
        "spec": spec.spec,
        "node": node,
        "node_json": _json(node),
        "taken": request.POST.get("taken", ""),
        "component": component,
        "form": form,
        "rows": form.rows(),
        "try_form": try_form,
        "last": last and {**last, "in": _values(last["in"]), "out": _values(last["out"])},
    }


def _may_edit(request: StudioRequest, project: Project) -> bool:
    return role_of(request.user, project).may(Act.CHANGE)


def _json(node: FlowNode) -> str:
    return node.model_dump_json()


def _values(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Ports with their values as a person reads them."""
    return [
        (name, value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))
        for name, value in values.items()
    ]


def _body(request: StudioRequest) -> dict[str, Any]:
    """Raises SpecRefused for what is no JSON object."""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError, RequestDataTooBig) as error:
        finding = Finding("canvas.body", "The request is no JSON that the canvas sends.")
        raise SpecRefused([finding]) from error
    if not isinstance(body, dict):
        raise SpecRefused([Finding("canvas.body", "The request must be a JSON object.")])
    return body


def _keep(project: Project, request: StudioRequest, body: dict[str, Any]) -> None:
    if len(request.body) <= KEPT_BYTES:
        keep_drawn(project=project, ops=body["ops"], by=request.user)


def _state(project: Project, spec: ProjectSpec) -> dict[str, Any]:
    """What changes with every save."""
    found = findings(spec, context_for(project.owner))
    drawn = document(spec, found)
    for row, finding in zip(drawn["findings"], found, strict=True):
        row["nodes"] = [row["node"]] if row["node"] else places_of(spec, finding.path)
        row["url"] = _mend_url(project, finding) if not row["nodes"] and not row["edge"] else ""
    return {
        "revision": project.draft.revision,
        "seen": drawn["seen"],
        "blueprint": drawn["blueprint"],
        "findings": drawn["findings"],
        "inherited": catalog_of(spec)["inherited"],
    }


def with_icons(drawing: dict[str, Any]) -> dict[str, Any]:
    """A document with the icons of its catalog as paths."""
    icons = {row["icon"]: PATHS[row["icon"]] for row in drawing["components"].values()}
    return {**drawing, "icons": icons}


def _mend_url(project: Project, finding: Finding) -> str:
    slug = step_of(finding.path)
    if finding.path[:2] == ("spec", "flow"):
        return ""
    if slug == "review":
        return reverse("projects:yaml", args=[project.pk])
    return reverse("projects:wizard", args=[project.pk, slug])


def _document(project: Project, request: StudioRequest) -> dict[str, Any]:
    draft = project.draft
    spec = spec_of(draft)
    known = catalog_of(spec)
    args = [project.pk]
    drawing = {
        **document(spec),
        **_state(project, spec),
        "title": project.title,
        "editable": _may_edit(request, project),
        "components": known["components"],
        "runs": last_run(project, request.user),
        "kept": draft.unfit_input.get(PLACE),
        "by": str(draft.updated_by) if draft.updated_by_id != request.user.pk else "you",
        "urls": {
            "document": reverse("projects:canvas_document", args=args),
            "save": reverse("projects:canvas_save", args=args),
            "inspector": reverse("projects:inspector", args=args),
        },
    }
    return with_icons(drawing)
