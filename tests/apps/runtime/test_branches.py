"""Branches: ways that are taken and those that are not, answers that meet again, one node by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from apps.runtime.adapters.chat import QuestionMissing
from apps.runtime.engine import NoReply, run, run_node
from apps.runtime.events import Answer, Documents, Event, Finished, Skipped, Started, Token
from apps.runtime.graph import Graph
from apps.runtime.http import close_sessions
from apps.runtime.language_guess import language_of
from apps.runtime.plan import GraphInvalid, make_plan
from apps.runtime.ports import Reply
from apps.runtime.resources import ModelServer, Resources, RunRequest, Turn
from apps.runtime.traits import traits_of
from tests.apps.runtime.graphs import PASSAGES, ListRetriever, ask, chat
from tests.apps.runtime.steps import flow, node, ran
from tests.fakes.openai_server import Behaviour, FakeOpenAI


@pytest.fixture
async def given(server: ModelServer, fake: FakeOpenAI) -> AsyncIterator[Resources]:
    fake.behaviour = Behaviour()
    yield Resources(servers={"local": server}, retriever=ListRetriever())
    fake.behaviour = Behaviour()
    await close_sessions()


def llm(name: str, model: str = "fake") -> Any:
    return node(name, "llm", "openai", server="local", model=model)


def two_models(slow: str = "fake-ttft200", quick: str = "fake", **by: Any) -> Graph:
    """A switch before two models; words about money go to the first."""
    return flow(
        node("question", "chat-input"),
        node("switch", "switch", **(by or {"first": ["money", "pay"]})),
        node("money", "prompt", instruction="Money."),
        node("other", "prompt", instruction="Other."),
        llm("rich", slow),
        llm("poor", quick),
        node("join", "join"),
        node("answer", "chat-output"),
        edges="""
            question.question > switch.text
            switch.first > money.question
            switch.otherwise > other.question
            money.messages > rich.messages
            other.messages > poor.messages
            rich.answer > join.first
            poor.answer > join.second
            join.answer > answer.answer
        """,
    )


async def collect(graph: Graph, given: Resources, request: RunRequest | str) -> list[Event]:
    asked = ask(request) if isinstance(request, str) else request
    return [event async for event in run(graph, asked, given)]


def skipped(events: list[Event]) -> set[str]:
    return {event.node for event in events if isinstance(event, Skipped)}


@pytest.mark.parametrize(
    ("question", "taken", "not_taken"),
    [("When do you PAY?", "rich", {"other", "poor"}), ("Hello", "poor", {"money", "rich"})],
)
async def test_only_the_way_that_was_taken_runs(
    given: Resources, fake: FakeOpenAI, question: str, taken: str, not_taken: set[str]
) -> None:
    events = await collect(two_models(), given, question)

    assert skipped(events) == not_taken
    assert {event.node for event in events if isinstance(event, Token)} == {taken}
    assert len(fake.requests) == 1
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert answer.text == "".join(one.text for one in events if isinstance(one, Token))


async def test_a_skipped_node_is_not_started(given: Resources) -> None:
    events = await collect(two_models(), given, "Hello")

    assert not skipped(events) & {event.node for event in events if isinstance(event, Started)}


async def test_nothing_leads_to_the_answer(given: Resources) -> None:
    graph = flow(
        node("question", "chat-input"),
        node("switch", "switch", first=["money"]),
        node("prompt", "prompt"),
        llm("llm"),
        node("answer", "chat-output"),
        edges="""
            question.question > switch.text
            switch.first > prompt.question
            prompt.messages > llm.messages
            llm.answer > answer.answer
        """,
    )

    with pytest.raises(NoReply, match="answer was skipped"):
        await collect(graph, given, "Hello")


def both(first: str, second: str) -> Graph:
    """Two models answer at once."""
    return flow(
        node("question", "chat-input"),
        node("prompt", "prompt"),
        llm("a", first),
        llm("b", second),
        node("join", "join"),
        node("answer", "chat-output"),
        edges="""
            question.question > prompt.question
            prompt.messages > a.messages
            prompt.messages > b.messages
            a.answer > join.first
            b.answer > join.second
            join.answer > answer.answer
        """,
    )


@pytest.mark.parametrize(
    ("first", "second", "heard"),
    [("fake-ttft300-n2", "fake-n3", "b"), ("fake-n2", "fake-ttft300-n3", "a")],
)
async def test_of_two_answers_the_one_that_is_heard_stays(
    given: Resources, first: str, second: str, heard: str
) -> None:
    events = await collect(both(first, second), given, "x y z")

    tokens = [event for event in events if isinstance(event, Token)]
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert {event.node for event in tokens} == {heard}
    assert answer.text == "".join(event.text for event in tokens)


async def test_it_stays_through_joins_and_guardrails(given: Resources) -> None:
    rules = [{"kind": "pii", "action": "mask"}]
    graph = flow(
        node("question", "chat-input"),
        node("prompt", "prompt"),
        llm("a", "fake-ttft400-n2"),
        llm("b", "fake-ttft400-n2"),
        llm("c", "fake-n3"),
        node("inner", "join"),
        node("guard", "guardrail-out", rules=rules),
        node("outer", "join"),
        node("answer", "chat-output"),
        edges="""
            question.question > prompt.question
            prompt.messages > a.messages
            prompt.messages > b.messages
            prompt.messages > c.messages
            b.answer > inner.first
            c.answer > inner.second
            inner.answer > guard.answer
            a.answer > outer.first
            guard.answer > outer.second
            outer.answer > answer.answer
        """,
    )

    events = await collect(graph, given, "write to a@b.org")

    tokens = [event for event in events if isinstance(event, Token)]
    assert {event.node for event in tokens} == {"c"}
    assert isinstance(events[-1], Answer)
    assert events[-1].text == "".join(event.text for event in tokens)
    assert make_plan(graph).screens == {"a": (), "b": ("guard",), "c": ("guard",), "guard": ()}


async def test_an_end_stops_what_runs_beside_it(given: Resources, fake: FakeOpenAI) -> None:
    graph = flow(
        node("question", "chat-input"),
        node("guard", "guardrail-in", rules=[{"kind": "topic", "words": ["x"], "message": "No."}]),
        node("slow", "query-rewrite", "openai", server="local", model="fake-n1000-itl20"),
        node("join", "join-text"),
        node("prompt", "prompt"),
        llm("llm"),
        node("answer", "chat-output"),
        edges="""
            question.question > slow.question
            question.history > slow.history
            question.question > guard.text
            guard.text > join.first
            slow.question > join.second
            join.text > prompt.question
            prompt.messages > llm.messages
            llm.answer > answer.answer
        """,
    )

    events = await collect(graph, given, ask("x", "before", "answer"))

    assert isinstance(events[-1], Answer)
    assert events[-1].text == "No."
    assert fake.wait_until_idle()


async def test_values_are_shown_only_where_asked(given: Resources) -> None:
    plain = await collect(chat("fake"), given, "hello")
    shown = await collect(chat("fake"), given, RunRequest((Turn("user", "hello"),), inspect=True))

    def values(events: list[Event]) -> dict[str, Any]:
        return {one.node: one.outputs for one in events if isinstance(one, Finished)}

    assert "in" not in values(plain)["prompt"]
    assert values(shown)["prompt"]["in"] == {"question": "hello", "history": []}
    assert values(shown)["llm"]["out"]["answer"]["text"] == "You said: hello"


async def test_one_node_by_itself(given: Resources) -> None:
    events = [
        event
        async for event in run_node(
            node("s", "switch", first=["pay"]), {"text": "Who pays? pay!"}, ask("?"), given
        )
    ]

    assert isinstance(events[-1], Finished)
    assert events[-1].outputs["out"] == {"first": "Who pays? pay!"}
    assert events[-1].outputs["way"] == "first"


async def test_one_node_without_its_input_or_with_wrong_params(given: Resources) -> None:
    with pytest.raises(NoReply, match="s needs a value for text"):
        async for _ in run_node(node("s", "switch"), {}, ask("?"), given):
            pass
    with pytest.raises(GraphInvalid, match="s has"):
        async for _ in run_node(node("s", "switch", by="magic"), {"text": "x"}, ask("?"), given):
            pass


async def test_no_question_is_no_run(given: Resources) -> None:
    with pytest.raises(QuestionMissing):
        await collect(chat("fake"), given, RunRequest(()))


# switch


@pytest.mark.parametrize(
    ("by", "ways", "text", "taken"),
    [
        ("words", {"first": ["bill"], "second": ["credit note"]}, "Billing", "otherwise"),
        ("words", {"first": ["bill"], "second": ["credit note"]}, "A CREDIT\nNOTE", "second"),
        ("words", {"first": ["a"], "second": ["b"]}, "b a", "first"),
        ("pattern", {"third": [r"order\s*#?\d{4}"]}, "My Order #1234", "third"),
        ("pattern", {"third": ["^x"]}, "yx", "otherwise"),
        ("length", {"first": ["5"], "second": ["10"]}, "1234567", "second"),
        ("length", {"first": ["5"]}, "123456", "otherwise"),
        ("language", {"first": ["de"], "fourth": ["EN"]}, "How do I book a train?", "fourth"),
        ("language", {"first": ["de"]}, "Wie buche ich eine Bahnfahrt?", "first"),
    ],
)
async def test_switch(by: str, ways: dict[str, list[str]], text: str, taken: str) -> None:
    found = await ran(node("s", "switch", by=by, **ways), {"text": text})

    assert found.outputs == {taken: text}
    assert found.noted == {"way": taken}


@pytest.mark.parametrize(
    ("params", "text", "taken"),
    [
        ({"first": ["red", "boat"], "together": ["first"]}, "a red car", "otherwise"),
        ({"first": ["red", "boat"], "together": ["first"]}, "a boat, red", "first"),
        ({"first": ["red"], "unless": ["first"]}, "a blue boat", "first"),
        ({"first": ["red"], "unless": ["first"], "second": ["boat"]}, "a red boat", "second"),
        ({"first": ["a", "b"], "unless": ["first"], "together": ["first"]}, "a", "first"),
        ({"first": ["a", "b"], "unless": ["first"], "together": ["first"]}, "a b", "otherwise"),
        ({"second": [], "unless": ["second"], "together": ["second"]}, "a", "otherwise"),
    ],
)
async def test_rules_of_a_way_hold_together_or_must_not(
    params: dict[str, Any], text: str, taken: str
) -> None:
    assert (await ran(node("s", "switch", **params), {"text": text})).outputs == {taken: text}


@pytest.mark.parametrize(
    ("fields", "taken"),
    [({"size": "Large"}, "first"), ({"size": "small"}, "otherwise"), ({}, "otherwise")],
)
async def test_a_switch_looks_at_a_field_of_the_request(fields: dict[str, str], taken: str) -> None:
    step = node("s", "switch", by="pattern", field="size", first=[r"^\s*large\s*$"])
    found = await ran(step, {"text": "small talk"}, request=RunRequest((), fields=fields))

    assert found.outputs == {taken: "small talk"}
    assert found.noted == {"way": taken, "size": fields.get("size", "")}


def test_the_field_of_a_switch_is_asked_for() -> None:
    assert traits_of(two_models(field="size", first=["large"])).fields == {"size": ""}
    assert traits_of(two_models(first=["large"])).fields == {}


def test_the_models_that_may_answer_are_named() -> None:
    assert traits_of(two_models("large-model", "small-model")).models == (
        "large-model",
        "small-model",
    )


@pytest.mark.parametrize(
    "params", [{"together": ["fifth"]}, {"unless": ["otherwise"]}, {"field": "a b"}]
)
def test_a_way_that_is_none_stops_the_build(params: dict[str, Any]) -> None:
    with pytest.raises(GraphInvalid, match="switch has"):
        make_plan(two_models(**params))


@pytest.mark.parametrize(
    "params", [{"by": "pattern", "first": ["("]}, {"by": "length", "first": ["many"]}]
)
def test_a_rule_that_cannot_be_followed_stops_the_build(params: dict[str, Any]) -> None:
    graph = two_models(**params)

    with pytest.raises(GraphInvalid, match="switch has"):
        make_plan(graph)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the weather like?", "en"),
        ("Wo ist der Bahnhof?", "de"),
        ("Où est la gare ?", "fr"),
        ("¿Dónde está la estación?", "es"),
        ("Где вокзал?", "ru"),
        ("Де їдальня?", "uk"),
        ("駅はどこですか", "ja"),
        ("车站在哪里", "zh"),
        ("역이 어디예요", "ko"),
        ("123 !?", ""),
        ("", ""),
    ],
)
def test_language(text: str, language: str) -> None:
    assert language_of(text) == language


# router


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("2", "third"),
        ("2.", "third"),
        ("Number 1", "first"),
        ("0", "otherwise"),
        ("7", "otherwise"),
        ("1 or 2", "otherwise"),
        ("refunds", "otherwise"),
    ],
)
async def test_router(given: Resources, fake: FakeOpenAI, said: str, taken: str) -> None:
    fake.behaviour = Behaviour(reply=said)
    one = node("r", "router", "openai", server="local", model="m", first="Refunds", third="Travel")

    found = await ran(one, {"text": "I want my money back"}, given)

    body = fake.requests[0].body
    assert found.outputs == {taken: "I want my money back"}
    assert "1. Refunds\n2. Travel" in body["messages"][0]["content"]
    assert (body["temperature"], body["max_tokens"]) == (0.0, 12)


async def test_a_router_without_ways_asks_nobody(given: Resources, fake: FakeOpenAI) -> None:
    found = await ran(
        node("r", "router", "openai", server="local", model="m"), {"text": "x"}, given
    )

    assert found.outputs == {"otherwise": "x"}
    assert fake.requests == []


# joins


async def test_join_of_answers_prefers_what_is_heard_then_what_is_first() -> None:
    first, second = Reply("one"), Reply("two")
    inputs = {"second": second, "first": first}

    heard = await ran(node("j", "join"), inputs, heard="b", sources={"first": "a", "second": "b"})
    silent = await ran(node("j", "join"), inputs)

    assert heard.outputs == {"answer": second}
    assert silent.outputs == {"answer": first}


async def test_join_of_texts() -> None:
    texts = {"third": "c", "first": "a"}

    assert (await ran(node("j", "join-text"), texts)).outputs == {"text": "a\n\nc"}
    assert (await ran(node("j", "join-text", separator=""), texts)).outputs == {"text": "ac"}
    assert (await ran(node("j", "join-text", pick="first"), texts)).outputs == {"text": "a"}


async def test_what_two_retrievers_found_comes_first() -> None:
    one, two = PASSAGES
    three = type(one)("c3", "d3", "x.md", "Three.", 0.1)

    found = await ran(node("f", "fuse", k=2), {"first": (one, two), "second": (three, two)})

    # two: 1/62 + 1/62; one and three: 1/61 each, by id
    assert [passage.chunk_id for passage in found.outputs["passages"]] == ["c2", "c1"]
    assert found.outputs["passages"][0].score == pytest.approx(2 / 62)
    assert isinstance(found.events[0], Documents)


async def test_several_retrievers_in_one_graph(given: Resources) -> None:
    graph = flow(
        node("question", "chat-input"),
        node("words", "retriever", mode="lexical", k=1),
        node("meaning", "retriever", mode="dense", k=2),
        node("fuse", "fuse"),
        node("extractive", "extractive"),
        node("answer", "chat-output"),
        edges="""
            question.question > words.question
            question.question > meaning.question
            words.passages > fuse.first
            meaning.passages > fuse.second
            question.question > extractive.question
            fuse.passages > extractive.passages
            fuse.passages > answer.passages
            extractive.answer > answer.answer
        """,
    )

    events = await collect(graph, given, "When are invoices paid?")

    found = [event for event in events if isinstance(event, Documents)]
    assert [len(event.passages) for event in found if event.node == "fuse"] == [2]
    assert found[-1].node == "fuse"


# words for a model


async def test_a_follow_up_is_rewritten(given: Resources, fake: FakeOpenAI) -> None:
    fake.behaviour = Behaviour(reply='"How is leave booked?"')
    one = node("r", "query-rewrite", "openai", server="local", model="m")
    history = (Turn("user", "What is leave?"), Turn("assistant", "Thirty days."))

    found = await ran(one, {"question": "And how is it booked?", "history": history}, given)

    assert found.outputs == {"question": "How is leave booked?"}
    assert "user: What is leave?" in fake.requests[0].body["messages"][1]["content"]


async def test_a_first_question_is_not_sent(given: Resources, fake: FakeOpenAI) -> None:
    one = node("r", "query-rewrite", "openai", server="local", model="m")

    found = await ran(one, {"question": "What is leave?"}, given)

    assert found.outputs == {"question": "What is leave?"}
    assert fake.requests == []


@pytest.mark.parametrize("said", [" ", "word " * 500])
async def test_what_is_no_question_is_not_taken(
    given: Resources, fake: FakeOpenAI, said: str
) -> None:
    fake.behaviour = Behaviour(reply=said)
    one = node("r", "query-rewrite", "openai", server="local", model="m")

    found = await ran(one, {"question": "And?", "history": (Turn("user", "x"),)}, given)

    assert found.outputs == {"question": "And?"}


async def test_template_fills_its_places_once() -> None:
    one = node(
        "t", "template", system="Tone: {fields.tone}.", user='{passages}\nQ: {question} {"a"}'
    )
    request = RunRequest((Turn("user", "?"),), fields={"tone": "{question}"})

    found = await ran(
        one,
        {"question": "{history} days?", "passages": PASSAGES, "history": (Turn("user", "hi"),)},
        request=request,
    )

    system, earlier, asked = found.outputs["messages"]
    assert system == Turn("system", "Tone: {question}.")
    assert earlier == Turn("user", "hi")
    assert asked.content.endswith('Q: {history} days? {"a"}')
    assert 'number="2"' in asked.content


async def test_a_template_may_place_the_conversation_itself() -> None:
    one = node("t", "template", user="{history}|{text}|{fields.none}")

    found = await ran(one, {"text": "T", "history": (Turn("user", "hi"),)})

    assert found.outputs["messages"] == (Turn("user", "user: hi|T|"),)


def test_a_place_that_stands_for_nothing_stops_the_build() -> None:
    graph = flow(
        node("question", "chat-input"),
        node("t", "template", user="{questoin}"),
        llm("llm"),
        node("answer", "chat-output"),
        edges="""
            question.question > t.question
            t.messages > llm.messages
            llm.answer > answer.answer
        """,
    )

    with pytest.raises(GraphInvalid, match="questoin"):
        make_plan(graph)
