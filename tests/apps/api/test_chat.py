from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.connections.models import Endpoint
from apps.projects.models import Project, SpecVersion
from tests.apps.api.conftest import Api
from tests.fakes.openai_server import FakeOpenAI

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def connected(version: SpecVersion, openai_server: FakeOpenAI) -> FakeOpenAI:
    Endpoint.objects.update(base_url=openai_server.url)
    return openai_server


def test_ask_answers_whole(api: Api, project: Project, connected: FakeOpenAI) -> None:
    answer = api.post(
        f"/projects/{project.pk}/ask",
        {
            "question": "And now?",
            "history": [
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "Hi."},
            ],
            "temperature": 0.9,
        },
    )

    body = answer.json()
    sent = connected.requests[-1].body
    assert answer.status_code == 200
    assert (body["generated"], body["version"], body["finish_reason"]) == (True, 1, "stop")
    assert body["answer"] != ""
    assert body["completion_tokens"] > 0
    assert sent["temperature"] == 0.9
    assert [turn["role"] for turn in sent["messages"]][-3:] == ["user", "assistant", "user"]


def test_dead_model_server_is_said_so(api: Api, project: Project, version: SpecVersion) -> None:
    answer = api.post(f"/projects/{project.pk}/ask", {"question": "?"})

    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "service.unavailable"


def test_version_is_needed(api: Api, project: Project) -> None:
    answer = api.post(f"/projects/{project.pk}/ask", {"question": "?"})

    assert (answer.status_code, answer.json()["code"]) == (422, "api.version-missing")


@pytest.mark.parametrize(
    "body",
    [{}, {"question": ""}, {"question": "?", "temperature": 3}, {"question": "?", "top_k": 0}],
)
def test_bad_input_is_refused(api: Api, project: Project, version: SpecVersion, body: dict) -> None:
    answer = api.post(f"/projects/{project.pk}/ask", body)

    assert (answer.status_code, answer.json()["code"]) == (400, "api.invalid")


def test_wrong_method_is_refused(api: Api, project: Project) -> None:
    assert api.get(f"/projects/{project.pk}/ask").status_code == 405


def test_strangers_find_nothing(
    strange_api: Api, anonymous_api: Api, project: Project, version: SpecVersion, owner: User
) -> None:
    assert strange_api.post(f"/projects/{project.pk}/ask", {"question": "?"}).status_code == 404
    assert anonymous_api.post(f"/projects/{project.pk}/ask", {"question": "?"}).status_code == 401
