"""Conversations over JSON: chat:api_sessions, chat:api_session, chat:api_messages."""

from __future__ import annotations

import httpx
import pytest

from apps.accounts.models import User
from apps.accounts.services import create_token
from apps.chat.models import ChatSession
from apps.projects.models import SpecVersion
from tests.apps.chat.serving import events, text_of


def _client(served: str, user: User) -> httpx.Client:
    token = create_token(user, "tests")[1]
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{served}/chat/api", headers=headers, timeout=20)


@pytest.fixture
def api(served: str, owner: User) -> httpx.Client:
    return _client(served, owner)


def test_a_conversation_from_beginning_to_end(api: httpx.Client, version: SpecVersion) -> None:
    made = api.post("/sessions/", json={"app": "helpdesk", "title": "By hand"})
    url = f"/sessions/{made.json()['id']}/"
    asked = api.post(f"{url}messages/", json={"text": "Hello there", "top_k": 3})
    listed = api.get(f"{url}messages/").json()
    renamed = api.patch(url, json={"title": "Renamed"})

    assert made.status_code == 201
    assert asked.status_code == 201
    assert (asked.json()["status"], asked.json()["content"]) == (
        "complete",
        "You said: Hello there",
    )
    assert asked.json()["sampling"] == {"top_k": 3}
    assert [row["role"] for row in listed["results"]] == ["user", "assistant"]
    assert (listed["count"], listed["pages"]) == (2, 1)
    assert renamed.json()["title"] == "Renamed"
    assert api.get("/sessions/").json()["results"][0]["title"] == "Renamed"
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == 404


def test_messages_can_be_streamed(api: httpx.Client, session: ChatSession) -> None:
    body = {"text": "Hello there", "stream": True}

    with api.stream("POST", f"/sessions/{session.pk}/messages/", json=body) as answer:
        found = list(events(answer.iter_lines()))

    assert text_of(found) == "You said: Hello there"
    assert found[-1].name == "done"


@pytest.mark.parametrize(
    ("body", "status"),
    [({"text": ""}, 422), ({"text": "x", "top_p": 4}, 422), (["x"], 400)],
)
def test_bad_question_is_refused(
    api: httpx.Client, session: ChatSession, body: object, status: int
) -> None:
    answer = api.post(f"/sessions/{session.pk}/messages/", json=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_unknown_application_and_body_that_is_no_json(api: httpx.Client, owner: User) -> None:
    assert api.post("/sessions/", json={"app": "nothing"}).status_code == 404
    assert api.post("/sessions/", content=b"{").status_code == 400


def test_strangers_and_nobody_are_refused(
    served: str, session: ChatSession, stranger: User
) -> None:
    foreign, url = _client(served, stranger), f"/sessions/{session.pk}/"

    assert foreign.get(url).status_code == 404
    assert foreign.get(f"{url}messages/").status_code == 404
    assert foreign.post(f"{url}messages/", json={"text": "x"}).status_code == 404
    assert foreign.delete(url).status_code == 404
    for path in ("/sessions/", url, f"{url}messages/"):
        assert httpx.get(f"{served}/chat/api{path}").status_code == 401
    assert httpx.post(f"{served}/chat/api{url}messages/", json={"text": "x"}).status_code == 401


def test_wrong_method_is_405(api: httpx.Client, session: ChatSession) -> None:
    assert api.put("/sessions/").status_code == 405
    assert api.post(f"/sessions/{session.pk}/").status_code == 405
    assert api.delete(f"/sessions/{session.pk}/messages/").status_code == 405
