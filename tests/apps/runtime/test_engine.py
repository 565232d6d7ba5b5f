"""Runs of whole graphs against a real model server."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from apps.runtime.adapters.base import ConnectionMissing
from apps.runtime.adapters.chat import QuestionMissing
from apps.runtime.adapters.retrieval import KnowledgeMissing
from apps.runtime.engine import run
from apps.runtime.errors import ServiceBroke
from apps.runtime.events import Answer, Event, Failed, Finished, Passage, Token, Usage, as_dict
from apps.runtime.graph import Graph
from apps.runtime.plan import GraphInvalid
from apps.runtime.resources import (
    ModelServer,
    Resources,
    RetrievalMode,
    RunRequest,
    Sampling,
    Turn,
)
from tests.apps.runtime.graphs import (
    ListRetriever,
    ask,
    chat,
    graph,
    kinds,
    quoting,
    rag,
    resources,
)
from tests.fakes.openai_server import FakeOpenAI


async def collect(graph: Graph, request: RunRequest, given: Resources) -> list[Event]:
    return [event async for event in run(graph, request, given)]


async def answer_of(graph: Graph, request: RunRequest, given: Resources) -> Answer:
    last = (await collect(graph, request, given))[-1]
    assert isinstance(last, Answer)
    return last


async def test_a_chat_streams_its_tokens_and_ends_with_the_answer(server: ModelServer) -> None:
    events = await collect(chat("fake"), ask("hello there"), resources(server))

    tokens = [event.text for event in events if isinstance(event, Token)]
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert "".join(tokens) == answer.text == "You said: hello there"
    assert len(tokens) == 4
    assert (answer.prompt_tokens, answer.completion_tokens) == (4, 4)
    assert answer.generated
    assert answer.model == "fake"
    assert 0 < (answer.time_to_first_token_ms or 0) <= answer.duration_ms


async def test_a_rag_answer_cites_the_passage_and_its_words(server: ModelServer) -> None:
    answer = await answer_of(rag("fake"), ask("When are invoices paid?"), resources(server))

    citation = answer.citations[0]
    assert answer.text == "Invoices are paid within two weeks. [2]"
    assert (citation.number, citation.passage.document) == (2, "pay.md")
    assert citation.quote == "Invoices are paid within two weeks."
    assert citation.passage.text[citation.quote_start : citation.quote_end] == citation.quote


async def test_every_node_is_timed(server: ModelServer) -> None:
    events = await collect(rag("fake-ttft80"), ask("leave?"), resources(server))

    finished = {event.node: event.duration_ms for event in events if isinstance(event, Finished)}
    assert list(finished) == ["question", "retriever", "prompt", "llm", "answer"]
    assert finished["llm"] >= 80
    assert all(isinstance(as_dict(event)["type"], str) for event in events)


async def test_tokens_flow_as_they_come(server: ModelServer, fake: FakeOpenAI) -> None:
    """They are here while the server is still writing: it stops after the third and never ends."""
    seen = 0
    events = run(chat("fake-n5-stall3"), ask("x"), resources(server))
    async for event in events:
        seen += isinstance(event, Token)
        if seen == 3:
            break

    assert fake.open_streams == 1
    await events.aclose()


async def test_the_request_overrides_the_graphs_parameters(
    server: ModelServer, fake: FakeOpenAI
) -> None:
    request = replace(ask("x"), sampling=Sampling(temperature=1.5, max_tokens=1))

    await collect(chat("fake", temperature=0.1, top_p=0.5), request, resources(server))

    body = fake.requests[0].body
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (1.5, 0.5, 1)


async def test_the_conversation_is_sent(server: ModelServer, fake: FakeOpenAI) -> None:
    await collect(chat("fake"), ask("and now?", "first", "answer [1]."), resources(server))

    assert fake.requests[0].body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "answer."},
        {"role": "user", "content": "and now?"},
    ]


async def test_a_follow_up_is_searched_with_the_question_before(server: ModelServer) -> None:
    retriever = ListRetriever()
    given = Resources(servers={"local": server}, retriever=retriever)

    await collect(rag("fake"), ask("And how is it paid?", "What is the travel budget?", "x"), given)

    assert retriever.asked == ["What is the travel budget?\nAnd how is it paid?"]


async def test_missing_usage_is_estimated(server: ModelServer) -> None:
    events = await collect(chat("fake-n7-nousage"), ask("x"), resources(server))

    usage = next(event for event in events if isinstance(event, Usage))
    assert usage.estimated
    assert usage.completion_tokens == 7


async def test_length_reaches_the_answer(server: ModelServer) -> None:
    answer = await answer_of(chat("fake-n9", max_tokens=2), ask("x"), resources(server))

    assert answer.finish_reason == "length"


async def test_closing_the_run_closes_the_upstream(server: ModelServer, fake: FakeOpenAI) -> None:
    async with aclosing(run(chat("fake-n1000-itl10"), ask("x"), resources(server))) as events:
        async for event in events:
            if isinstance(event, Token):
                break
        assert fake.open_streams == 1

    assert await asyncio.to_thread(fake.wait_until_idle)
    assert fake.streams_aborted == 1


@pytest.mark.parametrize("model", ["fake-n1000-itl10", "fake-hang", "fake-ttft60000"])
async def test_cancelling_the_reader_closes_the_upstream(
    server: ModelServer, fake: FakeOpenAI, model: str
) -> None:
    task = asyncio.create_task(collect(chat(model), ask("x"), resources(server)))
    await asyncio.sleep(0.2)
    assert fake.open_streams == 1

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(fake.wait_until_idle)


async def test_a_failure_is_told_by_its_node_and_raised(server: ModelServer) -> None:
    events: list[Event] = []
    with pytest.raises(ServiceBroke):
        async for event in run(chat("fake-n9-cut3-itl5"), ask("x"), resources(server)):
            events.append(event)

    failed = events[-1]
    assert isinstance(failed, Failed)
    assert (failed.node, failed.code) == ("llm", "service.broke")
    assert len([event for event in events if isinstance(event, Token)]) == 3


async def test_a_missing_connection_is_named(server: ModelServer) -> None:
    with pytest.raises(ConnectionMissing, match="local"):
        await collect(chat("fake"), ask("x"), Resources())


async def test_missing_knowledge_is_told(server: ModelServer) -> None:
    with pytest.raises(KnowledgeMissing):
        await collect(rag("fake"), ask("x"), Resources(servers={"local": server}))


@pytest.mark.parametrize("turns", [(), (Turn("assistant", "hi"),), (Turn("user", "  "),)])
async def test_a_question_is_needed(server: ModelServer, turns: tuple[Turn, ...]) -> None:
    with pytest.raises(QuestionMissing):
        await collect(chat("fake"), RunRequest(turns), resources(server))


async def test_quotations_stream_and_cite(server: ModelServer) -> None:
    events = await collect(
        quoting(), ask("How many days of leave do staff get?"), resources(server)
    )

    answer = events[-1]
    assert isinstance(answer, Answer)
    assert answer.text == "Staff get thirty days of leave a year. [1]"
    assert not answer.generated
    assert "Token" in kinds(events)


def two_models(first: str, second: str) -> Graph:
    """Two models get the same prompt; the reply is the second one's."""
    return graph(
        {
            "question": ("chat-input", {}),
            "prompt": ("prompt", {}),
            "one": ("llm", {"server": "local", "model": first}),
            "two": ("llm", {"server": "local", "model": second}),
            "answer": ("chat-output", {}),
        },
        "question.question > prompt.question",
        "prompt.messages > one.messages",
        "prompt.messages > two.messages",
        "two.answer > answer.answer",
    )


async def test_independent_steps_run_together(server: ModelServer, fake: FakeOpenAI) -> None:
    events = await collect(two_models("fake-ttft300", "fake-ttft300"), ask("x"), resources(server))

    assert fake.peak_streams == 2
    assert isinstance(events[-1], Answer)
    assert {event.node for event in events if isinstance(event, Token)} == {"two"}


async def test_cancelling_steps_that_run_together_closes_both(
    server: ModelServer, fake: FakeOpenAI
) -> None:
    both = two_models("fake-n1000-itl10", "fake-n1000-itl10")
    async with aclosing(run(both, ask("x"), resources(server))) as events:
        async for event in events:
            if isinstance(event, Token):
                break

    assert await asyncio.to_thread(fake.wait_until_idle)
    assert fake.streams_aborted == 2


async def test_a_failing_step_ends_the_others(server: ModelServer, fake: FakeOpenAI) -> None:
    with pytest.raises(ServiceBroke):
        await collect(
            two_models("fake-n9-cut1-itl5", "fake-n1000-itl10"), ask("x"), resources(server)
        )

    assert await asyncio.to_thread(fake.wait_until_idle)


async def test_an_unexpected_error_of_a_retriever_is_not_hidden(server: ModelServer) -> None:
    class Broken:
        async def search(self, query: str, *, mode: RetrievalMode, k: int) -> list[Passage]:
            raise ZeroDivisionError

    given = Resources(servers={"local": server}, retriever=Broken())
    with pytest.raises(ZeroDivisionError):
        await collect(rag("fake"), ask("x"), given)


async def test_many_runs_share_the_loop(server: ModelServer, fake: FakeOpenAI) -> None:
    model = chat("fake-ttft50-itl10-n20")
    answers = await asyncio.gather(
        *(answer_of(model, ask(f"x{number}"), resources(server)) for number in range(60))
    )

    assert [answer.completion_tokens for answer in answers] == [20] * 60
    assert fake.open_streams == 0


@pytest.mark.parametrize(
    ("nodes", "edges", "reason"),
    [
        ({"a": ("teapot", {})}, [], "teapot"),
        ({"a": ("chat-input", {})}, [], "exactly one chat-output"),
        ({"a": ("chat-input", {}), "b": ("chat-output", {})}, [], "nothing feeds b.answer"),
        (
            {"a": ("chat-input", {}), "b": ("chat-output", {})},
            ["a.question > b.answer"],
            "gives text and b.answer takes answer",
        ),
        ({"a": ("chat-input", {}), "b": ("chat-output", {})}, ["a.x > b.answer"], "no port a.x"),
        ({"a": ("chat-input", {}), "b": ("chat-output", {})}, ["z.x > b.answer"], "names z"),
        (
            {"a": ("chat-input", {}), "r": ("retriever", {"k": 0}), "b": ("chat-output", {})},
            ["a.question > r.question"],
            "r has k",
        ),
    ],
)
async def test_a_graph_that_cannot_run_says_why(
    server: ModelServer,
    nodes: dict[str, tuple[str, dict[str, object]]],
    edges: list[str],
    reason: str,
) -> None:
    with pytest.raises(GraphInvalid, match=reason):
        await collect(graph(nodes, *edges), ask("x"), resources(server))
