from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.chat.models import ChatSession
from apps.projects.models import Project, SpecVersion

HTMX = {"HX-Request": "true"}


def _url(project: Project) -> str:
    return f"/projects/{project.pk}/sandbox/"


def test_sandbox_without_a_version_offers_to_build(owner_client: Client, project: Project) -> None:
    html = owner_client.get(_url(project)).content.decode()

    assert "Nothing is built yet" in html
    assert f'action="/projects/{project.pk}/build/"' in html


def test_sandbox_talks_to_the_newest_version(
    owner_client: Client, project: Project, build: Callable[[str], SpecVersion]
) -> None:
    build("fake-model")
    newest = build("fake-model-large")

    html = owner_client.get(_url(project)).content.decode()

    assert f'<input type="hidden" name="app" value="{newest.app_key}">' in html
    assert "fake-model-large" in html
    assert 'action="/chat/start/"' in html


def test_sandbox_of_an_older_version(
    owner_client: Client, project: Project, build: Callable[[str], SpecVersion]
) -> None:
    older = build("fake-model")
    build("fake-model-large")

    html = owner_client.get(_url(project), {"version": 1}).content.decode()

    assert f'value="{older.app_key}"' in html
    assert owner_client.get(_url(project), {"version": 9}).status_code == 404


def test_sandbox_goes_on_with_a_conversation(
    owner_client: Client,
    project: Project,
    session: ChatSession,
    build: Callable[[str], SpecVersion],
) -> None:
    build("fake-model-large")

    html = owner_client.get(_url(project), {"session": session.pk}).content.decode()

    assert f'hx-post="/chat/{session.pk}/send/"' in html
    assert '<option value="1" selected>' in html


def test_session_of_another_project_or_person_is_404(
    owner_client: Client, project: Project, version: SpecVersion, owner: User, stranger: User
) -> None:
    elsewhere = ChatSession.objects.create(owner=owner, app_key="version:elsewhere")
    foreign = ChatSession.objects.create(owner=stranger, app_key=version.app_key)

    for wanted in (elsewhere.pk, foreign.pk, "nonsense"):
        assert owner_client.get(_url(project), {"session": wanted}).status_code == 404


def test_page_and_fragment(owner_client: Client, project: Project, version: SpecVersion) -> None:
    assert b"<html" in owner_client.get(_url(project)).content
    assert b"<html" not in owner_client.get(_url(project), headers=HTMX).content


def test_under_15_queries_for_one_and_three_versions(
    owner_client: Client, project: Project, build: Callable[[str], SpecVersion]
) -> None:
    build("fake-model")
    owner_client.get(_url(project))
    with CaptureQueriesContext(connection) as one:
        owner_client.get(_url(project))
    build("fake-model-2")
    build("fake-model-3")
    with CaptureQueriesContext(connection) as three:
        owner_client.get(_url(project))

    assert len(one) == len(three)
    assert len(one) < 15


def test_stranger_gets_404(stranger_client: Client, project: Project, version: SpecVersion) -> None:
    assert stranger_client.get(_url(project)).status_code == 404


def test_wrong_method_is_405(owner_client: Client, project: Project) -> None:
    assert owner_client.post(_url(project)).status_code == 405
