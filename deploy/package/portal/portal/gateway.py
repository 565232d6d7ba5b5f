"""Resolves the one application of this portal for chat and for the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.chat.gateway import ChatApp
from apps.knowledge.retrieval import retriever_for
from apps.runtime.engine import run
from apps.runtime.events import Event
from apps.runtime.resources import ModelServer, Resources, RunRequest
from portal.application import APP_KEY, Application, application
from portal.errors import ServerNotConfigured, UnknownApplication
from portal.knowledge import packaged_collections


@dataclass(frozen=True, slots=True)
class Prepared:
    application: Application
    resources: Resources


class PortalGateway:
    def app_for(self, user: Any, app_key: str) -> ChatApp:
        app = _application(app_key)
        return ChatApp(
            key=APP_KEY,
            title=app.title,
            description=app.description,
            model=app.model_name,
            generates=app.generates,
            sampling=app.sampling,
            starters=app.starters,
        )

    def prepare(self, user: Any, app_key: str) -> Prepared:
        app = _application(app_key)
        collections = packaged_collections()
        retriever = retriever_for(collections) if collections else None
        return Prepared(app, Resources(servers=_servers(app), retriever=retriever))

    def run(self, prepared: Prepared, request: RunRequest) -> AsyncIterator[Event]:
        return run(prepared.application.graph, request, prepared.resources)


def _application(app_key: str) -> Application:
    if app_key != APP_KEY:
        raise UnknownApplication(key=app_key)
    return application()


def _servers(app: Application) -> dict[str, ModelServer]:
    servers = {}
    for server in app.servers:
        base_url, api_key = settings.MODEL_SERVERS[server.name]
        if not base_url:
            raise ServerNotConfigured(name=server.name, variable=server.url_variable)
        servers[server.name] = ModelServer(
            name=server.name, base_url=base_url.rstrip("/"), api_key=api_key
        )
    return servers
