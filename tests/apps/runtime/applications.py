"""Applications as the builder makes them, from their starter file to a graph that runs."""

from __future__ import annotations

from collections.abc import Mapping

from apps.knowledge.domain.attached import read_attached
from apps.projects.domain.compile import build_graph
from apps.projects.domain.ops import assign
from apps.projects.domain.yaml_io import parse, starter
from apps.runtime.engine import run
from apps.runtime.events import Answer, Event
from apps.runtime.graph import Graph
from apps.runtime.media import Media
from apps.runtime.resources import ModelServer, Resources, RunRequest, Turn

MODEL = {"spec.model": {"connection": "local", "name": "fake-model"}}


def built(
    application: str,
    changes: Mapping[str, object] | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Graph:
    found, findings = parse(starter(application, "my-project"))
    assert found is not None, findings
    return build_graph(assign(found, dict(changes or {})), kinds)


def asked(text: str, *media: Media, before: tuple[Turn, ...] = (), **fields: str) -> RunRequest:
    return RunRequest((*before, Turn("user", text, media)), fields=fields)


async def events_of(
    graph: Graph, request: RunRequest, *servers: ModelServer, **more: object
) -> list[Event]:
    """All events; the last is the Answer."""
    known = {server.name: server for server in servers}
    resources = Resources(servers=known, read_document=read_attached, **more)  # type: ignore[arg-type]
    return [event async for event in run(graph, request, resources)]


async def answer_to(
    graph: Graph, request: RunRequest, *servers: ModelServer, **more: object
) -> Answer:
    last = (await events_of(graph, request, *servers, **more))[-1]
    assert isinstance(last, Answer)
    return last
