"""Resolves the one application of this portal for chat and for the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.chat.errors import AppNotFound
from apps.chat.gateway import ChatApp
from apps.knowledge.domain.attached import read_attached
from apps.knowledge.embedders import built_in
from apps.knowledge.retrieval import retriever_for
from apps.runtime.engine import run
from apps.runtime.events import Event
from apps.runtime.resources import ModelServer, Resources, RunRequest
from portal.application import APP_KEY, Application, application
from portal.errors import ServerNotConfigured, StoreNotConfigured
from portal.knowledge import packaged_collections

EXAMPLES = {
    "redis": "redis://store.example:6379",
    "qdrant": "http://store.example:6333",
    "milvus": "http://store.example:19530",
    "pgvector": "postgresql://user@store.example:5432/database",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    application: Application
    resources: Resources


class PortalGateway:
    def apps_for(self, user: Any) -> Sequence[ChatApp]:
        return (_chat_app(application()),)

    def app_for(self, user: Any, app_key: str) -> ChatApp:
        return _chat_app(_application(app_key))

    def prepare(self, user: Any, app_key: str) -> Prepared:
        app = _application(app_key)
        collections = packaged_collections()
        resources = Resources(
            servers={name: model_server(user, name) for name in app.graph.connections()},
            retriever=retriever_for(collections) if collections else None,
            embedder=None if collections else built_in(),
            read_document=read_attached,
        )
        return Prepared(app, resources)

    def run(self, prepared: Prepared, request: RunRequest) -> AsyncIterator[Event]:
        return run(prepared.application.graph, request, prepared.resources)


def model_server(owner: Any, name: str) -> ModelServer:
    """The server that the application calls `name`, from the environment; the same for everybody.

    Raises ServerNotConfigured or StoreNotConfigured.
    """
    server = next(server for server in application().servers if server.name == name)
    base_url, api_key = settings.MODEL_SERVERS[name]
    if not base_url and server.keeps_vectors:
        variable, example = server.url_variable, EXAMPLES[server.kind]
        raise StoreNotConfigured(name=name, variable=variable, example=example)
    if not base_url:
        raise ServerNotConfigured(name=name, variable=server.url_variable)
    return ModelServer(name=name, base_url=base_url.rstrip("/"), api_key=api_key, kind=server.kind)


def _application(app_key: str) -> Application:
    if app_key != APP_KEY:
        raise AppNotFound(app_key=app_key)
    return application()


def _chat_app(app: Application) -> ChatApp:
    return ChatApp(
        key=APP_KEY,
        title=app.title,
        description=app.description,
        model=", ".join(app.traits.models),
        generates=app.generates,
        sampling=app.sampling,
        starters=app.starters,
        name=app.name,
        application=app.application,
        takes=app.traits.takes,
        speaks=app.traits.speaks,
        fields=app.traits.fields,
    )
