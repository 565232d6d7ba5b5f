"""The served application under test: protocol, token, errors, cancel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import httpx
import pytest

from apps.runtime.graph import Edge, Graph, Node
from apps.runtime.resources import ModelServer
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from worker.engine_process import engine_events

ASK = {"messages": [{"role": "user", "content": "Hello?"}], "max_tokens": 5}


@contextmanager
def serving(plan: dict[str, Any]) -> Iterator[httpx.Client]:
    events = engine_events("worker.engines.serve", plan | {"token": "secret"})
    try:
        ready = next(events)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{ready['port']}",
            headers={"Authorization": "Bearer secret"},
            timeout=20,
        ) as client:
            yield client
    finally:
        events.close()


def app_plan(server: FakeOpenAI, model: str = "fake-model") -> dict[str, Any]:
    graph = Graph(
        application="qna",
        nodes=(
            Node(id="question", component="chat-input"),
            Node(id="prompt", component="prompt", params={"instruction": ""}),
            Node(id="llm", component="llm", params={"server": "fake", "model": model}),
            Node(id="answer", component="chat-output"),
        ),
        edges=tuple(
            Edge(source=source, target=target)
            for source, target in (
                ("question.question", "prompt.question"),
                ("question.history", "prompt.history"),
                ("prompt.messages", "llm.messages"),
                ("llm.answer", "answer.answer"),
            )
        ),
    )
    servers = {"fake": asdict(ModelServer("fake", server.url))}
    app = {
        "graph": graph.model_dump(mode="json"),
        "snapshot": None,
        "servers": servers,
        "model_cache": "",
    }
    return {"app": app}


def test_chat_streamed_and_whole(openai_server: FakeOpenAI) -> None:
    openai_server.behaviour = Behaviour(tokens=9)
    with serving(app_plan(openai_server)) as client:
        whole = client.post("/v1/chat/completions", json=ASK).json()
        stream = client.post("/v1/chat/completions", json=ASK | {"stream": True}).text

    assert whole["usage"]["completion_tokens"] == 5
    assert whole["choices"][0]["finish_reason"] == "length"
    assert stream.endswith("data: [DONE]\n\n")
    assert stream.count('"content":') == 5
    assert '"completion_tokens":5' in stream
    assert openai_server.requests[-1].body["max_tokens"] == 5


def test_every_request_needs_the_token(openai_server: FakeOpenAI) -> None:
    with serving(app_plan(openai_server)) as client:
        refused = client.post(
            "/v1/chat/completions", json=ASK, headers={"Authorization": "Bearer wrong"}
        )

    assert refused.status_code == 401
    assert openai_server.requests == []


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"{}", b'{"messages": []}', b'{"messages": [{"role": "x", "content": 1}]}'],
)
def test_bad_requests_are_refused(body: bytes, openai_server: FakeOpenAI) -> None:
    with serving(app_plan(openai_server)) as client:
        assert client.post("/v1/chat/completions", content=body).status_code == 400
        assert client.get("/health").json() == {"status": "ok"}


def test_a_failing_model_server_is_an_http_error_before_the_first_token(
    openai_server: FakeOpenAI,
) -> None:
    with serving(app_plan(openai_server, "fake-status500")) as client:
        response = client.post("/v1/chat/completions", json=ASK | {"stream": True})

    assert response.status_code == 502
    assert response.json()["error"]["message"]


def test_a_failure_in_the_middle_is_an_error_event(openai_server: FakeOpenAI) -> None:
    openai_server.behaviour = Behaviour(tokens=9, itl_ms=5)
    with serving(app_plan(openai_server, "fake-cut2")) as client:
        text = client.post("/v1/chat/completions", json=ASK | {"stream": True}).text

    assert '"error":' in text
    assert "[DONE]" not in text


def test_a_client_that_leaves_closes_the_request_to_the_model_server(
    openai_server: FakeOpenAI,
) -> None:
    openai_server.behaviour = Behaviour(tokens=1000, itl_ms=50)
    with serving(app_plan(openai_server)) as client:
        with client.stream(
            "POST", "/v1/chat/completions", json=ASK | {"stream": True, "max_tokens": 1000}
        ) as response:
            next(response.iter_bytes())
        assert openai_server.wait_until_idle()


def test_pace_is_kept_without_an_application() -> None:
    with serving({"pace": {"ttft_ms": 50, "itl_ms": 10, "tokens": 4}}) as client:
        response = client.post("/v1/chat/completions", json=ASK | {"stream": True})

    assert response.text.count(" word") == 4
    assert response.elapsed.total_seconds() >= 0.05
