"""The calculator, HTTP tools and the agent that calls them, against real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given as property_of
from hypothesis import strategies as st

from apps.projects.domain.compile import build_graph
from apps.projects.domain.yaml_io import parse
from apps.runtime.adapters.base import ConnectionMissing
from apps.runtime.calculator import CannotCalculate, calculate
from apps.runtime.engine import run
from apps.runtime.errors import KeyRefused, ServiceBroke, ServiceFault, ServiceUnavailable
from apps.runtime.events import Answer, Documents, Finished, Token
from apps.runtime.graph import Graph
from apps.runtime.http import close_sessions
from apps.runtime.http_tool import ArgumentUnfit, HttpTool, ResultMissing, ToolRefused, call
from apps.runtime.resources import ModelServer, Resources
from tests.apps.runtime.graphs import ListRetriever, ask
from tests.apps.runtime.steps import flow, node, ran
from tests.apps.runtime.test_retriever import VectorRetriever
from tests.fakes.opea_server import ROUTES, Behaviour, FakeOpea
from tests.fakes.openai_server import FakeOpenAI
from tests.servers.ports import wait_until
from tests.servers.watchdog import no_hang

# calculator


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("2 * (3 + 4)", "14"),
        ("19.5 * 2", "39"),
        ("2^10", "1024"),
        ("7 // 2 + 7 % 4", "6"),
        ("sqrt(2)", "1.41421356237"),
        ("round(2.567, 2)", "2.57"),
        ("max(1, -3) - pi", "-2.14159265359"),
        ("1e3", "1000"),
    ],
)
def test_arithmetic(expression: str, result: str) -> None:
    assert calculate(expression) == result


@pytest.mark.parametrize(
    "expression",
    [
        "", "1/0", "9**9**9", "2**-5000", "__import__('os')", "x", "(1).real", "[1]*9", "'a'", "1 if 1 else 2",
        "(-8)**0.5", "1e308*10", "sqrt(-1)", "max()", "round(1, 2, 3)", "1" * 201, "True", "factorial(9)", "0**-1",
    ],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused(expression: str) -> None:
    with no_hang(), pytest.raises(CannotCalculate):
        calculate(expression)


@property_of(st.text("0123456789.+-*/()^% episqrt", max_size=40))
def test_no_expression_does_anything_else(expression: str) -> None:
    try:
        assert calculate(expression)
    except CannotCalculate as error:
        assert str(error)


# HTTP


@pytest.fixture(scope="module")
def shop() -> Iterator[FakeOpea]:
    """A service with a key: GET /orders/<id> and POST /notes."""
    ROUTES[("GET", "/orders/A%2F1")] = ROUTES[("GET", "/orders/A/1")] = lambda body: {
        "order": {"items": [{"name": "chair"}], "paid": True}
    }
    ROUTES[("GET", "/orders")] = lambda body: {"orders": 2}
    ROUTES[("POST", "/notes")] = lambda body: {"kept": body}
    ROUTES[("GET", "/long")] = lambda body: "x" * 300_000
    with FakeOpea(api_key="shop-key") as running:
        yield running
    for path in ("/orders/A%2F1", "/orders/A/1", "/orders", "/long"):
        del ROUTES[("GET", path)]
    del ROUTES[("POST", "/notes")]


@pytest.fixture
async def given(shop: FakeOpea, server: ModelServer, fake: FakeOpenAI) -> AsyncIterator[Resources]:
    shop.reset()
    fake.reset()
    yield Resources(servers={"local": server, "shop": at(shop)}, retriever=ListRetriever())
    await close_sessions()


def at(shop: FakeOpea, key: str = "shop-key") -> ModelServer:
    return ModelServer("shop", shop.url, key, 1.0, kind="http")


def tool(**params: Any) -> HttpTool:
    values = {"name": "order", "connection": "shop", "arguments": [{"name": "id"}]} | params
    return HttpTool.model_validate(values)


async def test_a_value_in_the_path_cannot_leave_it(shop: FakeOpea, given: Resources) -> None:
    found = await call(
        tool(path="/orders/{id}", result="order.items.0.name"), at(shop), {"id": "A/1"}
    )

    assert found == "chair"
    for value in ("..", ".", ""):
        with pytest.raises(ArgumentUnfit, match="path"):
            await call(tool(path="/orders/{id}"), at(shop), {"id": value})


async def test_query_and_body(shop: FakeOpea, given: Resources) -> None:
    listed = await call(tool(path="orders"), at(shop), {"id": "a&b=c"})
    kept = await call(tool(method="POST", path="/notes"), at(shop), {"id": "x"})

    assert (listed, kept) == ({"orders": 2}, {"kept": {"id": "x"}})
    assert [seen.path for seen in shop.requests] == ["/orders", "/notes"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "argument id is missing"),
        ({"id": 5}, "id must be a text"),
        ({"id": "x", "y": 1}, "no argument y"),
        ({"id": "x" * 2_001}, "longer than"),
    ],
)
async def test_arguments_are_checked(shop: FakeOpea, values: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentUnfit, match=words):
        await call(tool(), at(shop), values)


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Behaviour(status=500), ToolRefused),
        (Behaviour(status=302), ToolRefused),
        (Behaviour(hang=True), ServiceUnavailable),
        (Behaviour(cut=True), ServiceBroke),
    ],
)
async def test_faults_of_a_service(
    shop: FakeOpea, given: Resources, behaviour: Behaviour, error: type[ServiceFault]
) -> None:
    shop.reset(behaviour)

    with pytest.raises(error, match="shop"):
        await call(tool(path="/orders", timeout_s=0.2), at(shop), {"id": "1"})


async def test_key_size_and_missing_result(shop: FakeOpea, given: Resources) -> None:
    with pytest.raises(KeyRefused):
        await call(tool(path="/orders"), at(shop, "other"), {"id": "1"})
    with pytest.raises(ServiceBroke, match="256 KiB"):
        await call(tool(path="/long"), at(shop), {"id": "1"})
    with pytest.raises(ResultMissing, match="total"):
        await call(tool(path="/orders", result="total"), at(shop), {"id": "1"})


async def test_the_component_sends_its_text(given: Resources, shop: FakeOpea) -> None:
    one = node("post", "http-tool", "http", server="shop", method="POST", path="/notes")

    found = await ran(one, {"text": "hello"}, given)

    assert found.outputs == {
        "text": '{"kept":{"text":"hello"}}',
        "json": {"kept": {"text": "hello"}},
    }


async def test_cancelling_closes_the_call(shop: FakeOpea, given: Resources) -> None:
    shop.reset(Behaviour(hang=True))
    task = asyncio.create_task(call(tool(path="/orders"), at(shop), {"id": "1"}))
    await asyncio.to_thread(wait_until, lambda: shop.open_requests == 1, what="a request")

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(shop.wait_until_idle)


# agent

ORDER = {
    "name": "order",
    "connection": "shop",
    "path": "/orders/{id}",
    "arguments": [{"name": "id"}],
}


def agent(**params: Any) -> Graph:
    return flow(
        node("question", "chat-input"),
        node("agent", "agent", "openai", server="local", model="fake", **params),
        node("answer", "chat-output"),
        edges="""
            question.question > agent.question
            question.history > agent.history
            agent.answer > answer.answer
            agent.passages > answer.passages
        """,
    )


async def asked(text: str, given: Resources, **params: Any) -> tuple[Answer, dict[str, Any], list]:
    events = [event async for event in run(agent(**params), ask(text), given)]
    noted = next(one.outputs for one in events if isinstance(one, Finished) and one.node == "agent")
    assert isinstance(events[-1], Answer)
    return events[-1], noted, events


async def test_without_need_no_tool_is_called(given: Resources, fake: FakeOpenAI) -> None:
    answer, noted, _ = await asked("hello", given, tools=[ORDER])

    declared = [one["function"]["name"] for one in fake.requests[0].body["tools"]]
    assert answer.text == "You said: hello"
    assert noted["calls"] == []
    assert declared == ["order", "search", "calculator"]


async def test_tools_are_called_and_their_results_shown_to_the_model(
    given: Resources, fake: FakeOpenAI
) -> None:
    text = 'call calculator {"expression": "6*7"}\ncall order {"id": "A/1"}\nthen calculator {"expression": "1+1"}'
    answer, noted, _ = await asked(text, given, tools=[ORDER])

    last = fake.requests[-1].body["messages"]
    assert [one["tool"] for one in noted["calls"]] == ["calculator", "order", "calculator"]
    assert [turn["content"] for turn in last if turn["role"] == "tool"] == [
        "42",
        '{"order":{"items":[{"name":"chair"}],"paid":true}}',
        "2",
    ]
    assert [turn["role"] for turn in last[2:]] == ["assistant", "tool", "tool", "assistant", "tool"]
    assert noted["steps"] == 3
    assert answer.text
    assert answer.prompt_tokens > 20


async def test_passages_keep_their_numbers_over_searches(given: Resources) -> None:
    answer, noted, events = await asked(
        'call search {"query": "leave"}\nthen search {"query": "pay"}', given
    )

    found = [event.passages for event in events if isinstance(event, Documents)]
    assert noted["passages"] == 2
    assert [passage.chunk_id for passage in found[-1]] == ["c1", "c2"]
    assert 'number="1"' in noted["calls"][1]["result"]
    assert {citation.number for citation in answer.citations} <= {1, 2}


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({}, ["c1", "c2"]),
        ({"diversity": 0.6}, ["c1", "c3"]),
        ({"mode": "dense", "min_score": 0.85}, ["c1"]),
        ({"mode": "lexical", "min_score": 0.95}, ["c1"]),
        ({"min_score": 0.99, "diversity": 0.6}, ["c1"]),
    ],
)
async def test_searching_heeds_the_project_s_retrieval(
    given: Resources, params: dict[str, Any], names: list[str]
) -> None:
    given = replace(given, retriever=VectorRetriever())
    _, noted, events = await asked('call search {"query": "leave"}', given, k=2, **params)

    found = [event.passages for event in events if isinstance(event, Documents)]
    assert [passage.chunk_id for passage in found[-1]] == names
    assert noted["passages"] == len(names)


async def test_a_search_that_finds_nothing_says_so(given: Resources) -> None:
    given = replace(given, retriever=VectorRetriever())
    strict = {"mode": "dense", "min_score": 0.99}
    _, noted, _ = await asked('call search {"query": "leave"}', given, **strict)

    assert noted["calls"][0]["result"].startswith("No passage fits.")
    assert noted["passages"] == 0


def test_an_agent_takes_its_retrieval_from_the_project() -> None:
    spec, findings = parse(
        "apiVersion: genai.studio/v1\nkind: Project\nmetadata: {name: a}\n"
        "spec:\n  application: custom\n  knowledge: {collections: [h], retrieve: {mode: lexical, k: 3, "
        "diversity: 0.3, min_score: 0.2}}\n"
        "  flow: {nodes: [{id: agent, component: agent}], edges: []}\n"
    )
    assert spec, findings
    node = build_graph(spec).nodes[0]

    assert {name: node.params[name] for name in ("mode", "k", "diversity", "min_score")} == {
        "mode": "lexical",
        "k": 3,
        "diversity": 0.3,
        "min_score": 0.2,
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("call nothing {}", "there is no tool nothing"),
        ("call calculator {", "not a JSON object"),
        ('call calculator {"expression": "1/0"}', "division by zero"),
        ("call order {}", "argument id is missing"),
        ('call order {"id": "missing"}', "HTTP 404"),
    ],
)
async def test_a_call_that_fails_is_told_to_the_model(
    given: Resources, line: str, words: str
) -> None:
    answer, noted, _ = await asked(line, given, tools=[ORDER])

    assert noted["calls"][0]["failed"]
    assert words in noted["calls"][0]["result"]
    assert answer.text


async def test_a_model_that_never_stops_is_stopped(given: Resources, fake: FakeOpenAI) -> None:
    answer, noted, _ = await asked('always calculator {"expression": "1"}', given, max_steps=3)

    assert len(fake.requests) == 3
    assert fake.requests[-1].body["tool_choice"] == "none"
    assert noted["steps"] == 3
    assert answer.text


async def test_a_tool_without_its_connection(given: Resources) -> None:
    lost = {**ORDER, "connection": "lost"}
    _, noted, _ = await asked('call order {"id": "1"}', given, tools=[lost])

    assert str(ConnectionMissing(name="lost")) in noted["calls"][0]["result"]


async def test_the_agents_words_stream(given: Resources) -> None:
    _, _, events = await asked("one two three", given)

    assert len([one for one in events if isinstance(one, Token)]) == 5
