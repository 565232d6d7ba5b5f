from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.chat.errors import AppNotFound
from apps.connections.errors import ConnectionUnknown
from apps.projects.models import SpecVersion
from apps.runtime.events import Answer, Event
from apps.runtime.resources import RunRequest, Turn
from apps.sandboxes import gateway
from apps.sandboxes.gateway import SandboxGateway


def test_app_tells_what_the_version_is(owner: User, version: SpecVersion) -> None:
    app = SandboxGateway().app_for(owner, version.app_key)

    assert (app.title, app.model, app.generates, app.traces) == (
        "Helpdesk",
        "fake-model",
        True,
        True,
    )
    assert app.sampling == {"temperature": 0.2, "top_p": 0.9, "top_k": 40, "max_tokens": 512}


def test_apps_are_the_newest_versions_by_project_name(
    owner: User, stranger: User, build: Callable[[str], SpecVersion]
) -> None:
    build("fake-model")
    newest = build("fake-model-large")

    assert [(app.name, app.key) for app in SandboxGateway().apps_for(owner)] == [
        ("helpdesk", newest.app_key)
    ]
    assert list(SandboxGateway().apps_for(stranger)) == []


@pytest.mark.parametrize("key", ["", "version:", "version:nonsense", "project:x"])
def test_what_is_no_key_is_not_found(owner: User, version: SpecVersion, key: str) -> None:
    with pytest.raises(AppNotFound):
        SandboxGateway().app_for(owner, key)
    with pytest.raises(AppNotFound):
        SandboxGateway().prepare(owner, key)


def test_stranger_is_not_prepared_what_the_owner_was(
    owner: User, stranger: User, version: SpecVersion
) -> None:
    SandboxGateway().prepare(owner, version.app_key)

    with pytest.raises(AppNotFound):
        SandboxGateway().prepare(stranger, version.app_key)


def test_prepared_once_for_a_few_seconds(
    owner: User, version: SpecVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = SandboxGateway().prepare(owner, version.app_key)
    with CaptureQueriesContext(connection) as queries:
        assert SandboxGateway().prepare(owner, version.app_key) is first
    assert len(queries) == 0

    monkeypatch.setattr(gateway, "FRESH_S", 0.0)
    assert SandboxGateway().prepare(owner, version.app_key) is not first


def test_deleted_connection_is_named(owner: User, version: SpecVersion) -> None:
    owner.endpoints.all().delete()

    with pytest.raises(ConnectionUnknown, match="fake"):
        SandboxGateway().prepare(owner, version.app_key)


def test_run_answers(owner: User, version: SpecVersion) -> None:
    prepared = SandboxGateway().prepare(owner, version.app_key)

    async def run() -> list[Event]:
        request = RunRequest([Turn("user", "Hello there")])
        return [event async for event in SandboxGateway().run(prepared, request)]

    events = asyncio.run(run())

    assert isinstance(events[-1], Answer)
    assert events[-1].text == "You said: Hello there"
