"""`/v1` as clients of OpenAI's protocol meet it: openai:models, openai:model, openai:chat_completions."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from apps.accounts.models import User
from apps.accounts.services import create_token
from apps.chat.models import ChatMessage
from apps.projects.models import SpecVersion
from tests.fakes.openai_server import FakeOpenAI

HELLO = {"messages": [{"role": "user", "content": "Hello there"}]}


@pytest.fixture
def api(served: str, owner: User) -> httpx.Client:
    token = create_token(owner, "tests")[1]
    return httpx.Client(
        base_url=f"{served}/v1", headers={"Authorization": f"Bearer {token}"}, timeout=20
    )


def _chunks(answer: httpx.Response) -> list[Any]:
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def test_models_are_the_applications(api: httpx.Client, version: SpecVersion) -> None:
    listed = api.get("/models").json()

    assert listed["object"] == "list"
    assert [row["id"] for row in listed["data"]] == ["helpdesk"]
    assert api.get("/models/helpdesk").json()["id"] == "helpdesk"
    assert api.get("/models/nothing").status_code == 404


@pytest.mark.parametrize("path", ["/embeddings", "/chat", "/chat/completions/x"])
def test_address_that_is_not_offered_is_told_in_json(api: httpx.Client, path: str) -> None:
    answer = api.post(path, json={})

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_url"
    assert f"POST /v1{path}" in answer.json()["error"]["message"]


def test_body_of_a_stranger_is_not_judged(api: httpx.Client) -> None:
    answer = httpx.post(f"{api.base_url}chat/completions", json={"model": 1})

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize("by", ["name", "key"])
def test_completion(api: httpx.Client, version: SpecVersion, by: str) -> None:
    model = "helpdesk" if by == "name" else version.app_key

    answer = api.post("/chat/completions", json={"model": model, **HELLO})

    body = answer.json()
    assert answer.status_code == 200
    assert (body["object"], body["model"]) == ("chat.completion", model)
    assert body["choices"][0]["message"]["content"] == "You said: Hello there"
    assert body["choices"][0]["message"]["citations"] == []
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["total_tokens"] == sum(
        body["usage"][name] for name in ("prompt_tokens", "completion_tokens")
    )
    assert not ChatMessage.objects.exists()


def test_streamed_completion(api: httpx.Client, version: SpecVersion) -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}}

    answer = api.post("/chat/completions", json={"model": "helpdesk", **HELLO, **options})

    *chunks, usage, last = _chunks(answer)
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert text == "You said: Hello there"
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["citations"] == []
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], 4)
    assert last == "[DONE]"
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_parts_and_parameters_reach_the_model(
    api: httpx.Client, version: SpecVersion, openai_server: FakeOpenAI
) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello there"}]},
    ]

    api.post(
        "/chat/completions",
        json={"model": "helpdesk", "messages": messages, "temperature": 0, "max_tokens": 2},
    ).raise_for_status()

    sent = openai_server.requests[-1].body
    assert (sent["temperature"], sent["max_tokens"], sent["top_k"]) == (0, 2, 40)
    assert sent["messages"][-1]["content"].endswith("Hello there")


def test_client_that_leaves_stops_the_model(
    api: httpx.Client, build, openai_server: FakeOpenAI
) -> None:
    build("fake-n500-itl20")

    with api.stream(
        "POST", "/chat/completions", json={"model": "helpdesk", "stream": True, **HELLO}
    ) as answer:
        next(answer.iter_lines())

    assert openai_server.wait_until_idle(2)
    assert openai_server.streams_aborted == 1


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"messages": []}, 400, "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 400, "messages"),
        ({"messages": [{"role": "user", "content": "  "}]}, 400, "messages"),
        ({"temperature": 3}, 400, "temperature"),
        ({"n": 2}, 400, "n"),
        ({"model": ""}, 400, "model"),
        ({"model": "nothing"}, 404, None),
    ],
)
def test_bad_request_has_openai_s_error_body(
    api: httpx.Client, version: SpecVersion, change: dict[str, Any], status: int, param: str | None
) -> None:
    answer = api.post("/chat/completions", json={"model": "helpdesk", **HELLO, **change})

    error = answer.json()["error"]
    assert answer.status_code == status
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["message"]


def test_body_that_is_no_json_is_400(api: httpx.Client) -> None:
    assert api.post("/chat/completions", content=b"{nonsense").status_code == 400


def test_upstream_that_is_missing_has_a_status(
    api: httpx.Client, version: SpecVersion, openai_server: FakeOpenAI
) -> None:
    openai_server.stop()

    for stream in (False, True):
        answer = api.post(
            "/chat/completions", json={"model": "helpdesk", "stream": stream, **HELLO}
        )
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "service.unavailable"


def test_upstream_that_breaks_in_the_stream_ends_it_with_an_error(api: httpx.Client, build) -> None:
    build("fake-cut3-itl10")

    answer = api.post("/chat/completions", json={"model": "helpdesk", "stream": True, **HELLO})

    assert "error" in _chunks(answer)[-1]


def test_token_is_required_and_strangers_see_nothing(
    served: str, api: httpx.Client, version: SpecVersion, stranger: User
) -> None:
    body = {"model": version.app_key, **HELLO}
    foreign = {"Authorization": f"Bearer {create_token(stranger, 'tests')[1]}"}

    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
        answer = httpx.post(f"{served}/v1/chat/completions", json=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
        assert httpx.get(f"{served}/v1/models", headers=headers).status_code == 401
    assert (
        httpx.post(f"{served}/v1/chat/completions", json=body, headers=foreign).status_code == 404
    )
    assert httpx.get(f"{served}/v1/models", headers=foreign).json()["data"] == []


def test_wrong_method_is_405(api: httpx.Client) -> None:
    assert api.get("/chat/completions").status_code == 405
    assert api.post("/models").status_code == 405
