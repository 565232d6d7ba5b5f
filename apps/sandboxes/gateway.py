"""How the studio's own chat reaches a frozen version: `version:<uuid>` -> graph, servers, knowledge."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from django.urls import reverse

from apps.chat.errors import AppNotFound
from apps.chat.gateway import ChatApp
from apps.connections.queries import model_server
from apps.knowledge.domain.attached import read_attached
from apps.knowledge.embedders import built_in
from apps.knowledge.retrieval import retriever_for
from apps.projects.models import SpecVersion
from apps.projects.queries import collections_of, versions_for
from apps.projects.samples import enclosed_with
from apps.runtime.engine import run
from apps.runtime.events import Event
from apps.runtime.graph import Graph
from apps.runtime.resources import ModelServer, Resources, RunRequest
from apps.runtime.traits import traits_of
from apps.sandboxes.starters import starters_for

if TYPE_CHECKING:
    from apps.accounts.models import User

PREFIX = "version:"
FRESH_S = 5.0
"""How long a change of connection, knowledge list or access may go unseen by running chats."""
APPS = 200
GRAPHS = 512

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Prepared:
    """One version made runnable for one person."""

    graph: Graph
    resources: Resources


@dataclass
class Fresh(Generic[T]):
    """Values younger than FRESH_S, by key; older ones are made again. Shared by threads."""

    _values: dict[Any, tuple[float, T]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, key: Any, make: Callable[[], T]) -> T:
        now = time.monotonic()
        kept = self._values.get(key)
        if kept and now - kept[0] < FRESH_S:
            return kept[1]
        value = make()
        with self._lock:
            self._values = {k: v for k, v in self._values.items() if now - v[0] < FRESH_S}
            self._values[key] = (now, value)
        return value

    def clear(self) -> None:
        self._values = {}


_prepared: Fresh[Prepared] = Fresh()
_graphs: dict[UUID, Graph] = {}


class SandboxGateway:
    """Set as CHAT_GATEWAY in the studio."""

    def apps_for(self, user: User) -> Sequence[ChatApp]:
        """The newest version of each of the person's projects."""
        newest: dict[UUID, SpecVersion] = {}
        rows = versions_for(user).order_by("-project__updated_at", "-number").defer("yaml")
        for version in rows[:APPS]:
            newest.setdefault(version.project_id, version)
        return [_app(version, name=version.project.name) for version in newest.values()]

    def app_for(self, user: User, app_key: str) -> ChatApp:
        version = version_for(user, app_key)
        return _app(version, starters=_starters(version))

    def prepare(self, user: User, app_key: str) -> Prepared:
        return _prepared.get((user.pk, app_key), lambda: _prepare(version_for(user, app_key)))

    def run(self, prepared: Prepared, request: RunRequest) -> AsyncIterator[Event]:
        """With what went into and came out of every step, for the trace and the canvas."""
        return run(prepared.graph, replace(request, inspect=True), prepared.resources)


def version_for(user: User, app_key: str) -> SpecVersion:
    """Raises AppNotFound for keys of others and for what is no key."""
    try:
        pk = UUID(app_key.removeprefix(PREFIX))
    except ValueError:
        pk = None
    version = (
        versions_for(user).filter(pk=pk).first() if pk and app_key.startswith(PREFIX) else None
    )
    if version is None:
        raise AppNotFound(app_key=app_key)
    return version


def _starters(version: SpecVersion) -> tuple[str, ...]:
    """The project's own, else made from what its documents have headings for."""
    return tuple(version.spec["spec"].get("starters", ())) or starters_for(collections_of(version))


def _app(version: SpecVersion, *, name: str = "", starters: tuple[str, ...] = ()) -> ChatApp:
    spec = version.spec["spec"]
    traits = traits_of(_graph(version))
    return ChatApp(
        key=version.app_key,
        title=version.project.title or version.project.name,
        description=version.project.description,
        model=", ".join(traits.models),
        generates=traits.generates,
        sampling=spec.get("parameters"),
        starters=starters,
        enclosed={
            text: reverse("projects:sample_file", args=found)
            for text, found in enclosed_with(spec["application"]).items()
            if text in starters
        },
        name=name,
        page_url=f"{reverse('sandboxes:sandbox', args=[version.project_id])}?version={version.number}",
        traces=True,
        application=spec["application"],
        takes=traits.takes,
        speaks=traits.speaks,
        fields=traits.fields,
    )


def _prepare(version: SpecVersion) -> Prepared:
    graph = _graph(version)
    collections = collections_of(version)
    resources = Resources(
        servers=_servers(version, graph),
        retriever=retriever_for(collections) if collections else None,
        embedder=None if collections else built_in(),
        read_document=read_attached,
    )
    return Prepared(graph, resources)


def _graph(version: SpecVersion) -> Graph:
    """Kept for good: a version never changes."""
    if version.pk not in _graphs:
        if len(_graphs) >= GRAPHS:
            _graphs.pop(next(iter(_graphs)))
        _graphs[version.pk] = Graph.model_validate(version.graph)
    return _graphs[version.pk]


def _servers(version: SpecVersion, graph: Graph) -> dict[str, ModelServer]:
    return {name: model_server(version.project.owner, name) for name in graph.connections()}
