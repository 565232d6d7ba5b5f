"""The load generator against a server with a known pace and with faults."""

from __future__ import annotations

from typing import Any

import pytest

from apps.benchmarks.domain.profile import Profile
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from worker.engine_process import engine_events


def load(server: FakeOpenAI, **values: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The request lines and the result of one short run."""
    fields = {"prompts": ("a", "b", "c"), "duration_s": 3, "warmup_s": 0, "concurrency": 2} | values
    profile = Profile.model_validate(fields)
    plan = {
        "url": f"{server.url}/chat/completions",
        "token": "t",
        "profile": profile.model_dump(mode="json"),
    }
    events = list(engine_events("worker.engines.load", plan))
    lines = [item for event in events if event["type"] == "requests" for item in event["items"]]
    assert events[0]["type"] == "ready"
    assert events[-1]["type"] == "result"
    assert events[-1]["sent"] == len(lines)
    return lines, events[-1]


def causes(lines: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(line["status"], line["cause"]) for line in lines}


def test_times_of_tokens_are_the_truth(openai_server: FakeOpenAI) -> None:
    openai_server.behaviour = Behaviour(ttft_ms=60, itl_ms=20, tokens=10)

    lines, result = load(openai_server)

    assert causes(lines) == {("ok", "")}
    assert all(len(line["token_us"]) == 10 and line["counted"] for line in lines)
    middle = sorted(line["token_us"][0] for line in lines)[len(lines) // 2]
    assert 60_000 <= middle < 90_000
    assert result["client"]["connections"] == 2
    assert openai_server.requests[0].headers["authorization"] == "Bearer t"
    assert {one.body["messages"][0]["content"] for one in openai_server.requests} == {"a", "b", "c"}


def test_open_loop_keeps_its_schedule_while_the_server_stalls(openai_server: FakeOpenAI) -> None:
    openai_server.behaviour = Behaviour(ttft_ms=1500, tokens=2)

    lines, _ = load(openai_server, mode="open", rate_rps=10, arrival="constant")

    assert [line["intended_s"] for line in sorted(lines, key=lambda line: line["index"])] == (
        pytest.approx([index / 10 for index in range(30)])
    )
    assert openai_server.peak_streams >= 12


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (Behaviour(status=503), ("failed", "HTTP 503")),
        (Behaviour(cut=2, itl_ms=5), ("truncated", "connection broken in the middle")),
        (Behaviour(nodone=True), ("truncated", "ended without finish_reason and [DONE]")),
        (Behaviour(error=1), ("failed", "error in the stream: CUDA out of memory")),
        (Behaviour(dropfirst=True), ("failed", "connection closed before a byte")),
        (Behaviour(html=True), ("truncated", "ended without finish_reason and [DONE]")),
    ],
)
def test_faults_are_told_apart(
    behaviour: Behaviour, expected: tuple[str, str], openai_server: FakeOpenAI
) -> None:
    openai_server.behaviour = behaviour

    lines, _ = load(openai_server)

    assert causes(lines) == {expected}


def test_a_dead_server_is_not_hammered(openai_server: FakeOpenAI) -> None:
    openai_server.stop()

    lines, _ = load(openai_server)

    assert causes(lines) == {("failed", "connection refused")}
    assert len(lines) < 40


def test_what_does_not_end_by_the_end_of_the_drain_is_a_failure(openai_server: FakeOpenAI) -> None:
    openai_server.behaviour = Behaviour(stall=1)

    lines, _ = load(openai_server, drain_s=1)

    assert causes(lines) == {("failed", "not finished by the end of the drain")}
    assert len(lines[0]["token_us"]) == 1
    assert openai_server.wait_until_idle()


def test_time_limit_of_a_request(openai_server: FakeOpenAI) -> None:
    openai_server.behaviour = Behaviour(hang=True)

    lines, _ = load(openai_server, timeout_s=1)

    assert ("failed", "no answer within 1 s") in causes(lines)


def test_a_share_of_requests_is_cut_and_leaves_nothing_open(openai_server: FakeOpenAI) -> None:
    openai_server.behaviour = Behaviour(ttft_ms=5, itl_ms=5, tokens=40)

    lines, _ = load(openai_server, cancel_share=0.5, concurrency=8)

    cut = [line for line in lines if line["status"] == "cancelled"]
    assert 0.3 < len(cut) / len(lines) < 0.7
    assert openai_server.wait_until_idle()
    assert openai_server.streams_aborted >= len(cut) * 0.9


def test_tokens_come_from_usage_where_events_carry_several(openai_server: FakeOpenAI) -> None:
    openai_server.behaviour = Behaviour(tokens=12, batch=4, itl_ms=2)

    lines, _ = load(openai_server)

    assert {(line["tokens"], len(line["token_us"])) for line in lines} == {(12, 3)}
