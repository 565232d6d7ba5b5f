"""Reranking at a model server, at TEI and at OPEA's own service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from apps.runtime.adapters import reranking
from apps.runtime.errors import (
    KeyRefused,
    ServiceBroke,
    ServiceFault,
    ServiceUnavailable,
    ServiceWrong,
)
from apps.runtime.events import Documents, Passage
from apps.runtime.http import close_sessions
from apps.runtime.resources import ModelServer, Resources
from tests.apps.runtime.steps import Ran, node, ran
from tests.fakes.opea_server import Behaviour, FakeOpea
from tests.fakes.openai_server import Behaviour as Pace
from tests.fakes.openai_server import FakeOpenAI
from tests.servers.ports import wait_until

TEXTS = ("The cafeteria opens.", "Leave is thirty days.", "Days of leave: ask HR.", "Leave.")
FOUND = tuple(Passage(f"c{at}", "d", "d.md", text, 0.1) for at, text in enumerate(TEXTS))


@pytest.fixture(scope="module")
def opea() -> Iterator[FakeOpea]:
    with FakeOpea() as running:
        yield running


@pytest.fixture(autouse=True)
async def _closed(opea: FakeOpea) -> AsyncIterator[None]:
    opea.reset()
    reranking._wrapped.clear()
    yield
    await close_sessions()


def at(url: str, kind: str) -> Resources:
    server = ModelServer("ranker", url, "", 1.0, 0.5, 0.5, kind=kind)  # type: ignore[arg-type]
    return Resources(servers={"ranker": server})


async def ranked(given: Resources, kind: str = "opea", passages: Any = FOUND, **params: Any) -> Ran:
    one = node("rerank", "rerank", kind, server="ranker", **params)
    return await ran(one, {"question": "leave days", "passages": passages}, given)


def names(found: Ran) -> list[str]:
    return [passage.chunk_id for passage in found.outputs["passages"]]


async def test_tei_keeps_the_best_with_its_scores(opea: FakeOpea) -> None:
    found = await ranked(at(opea.url, "opea"), top_n=2)

    assert names(found) == ["c1", "c2"]
    assert [passage.score for passage in found.outputs["passages"]] == [1.0, 1.0]
    assert found.events == [Documents("rerank", found.outputs["passages"])]
    assert found.noted == {"passages": 2, "of": 4}
    assert [seen.path for seen in opea.requests] == ["/rerank"]


async def test_tei_gets_no_more_texts_than_it_takes_at_once(opea: FakeOpea) -> None:
    many = tuple(Passage(f"c{n}", "d", "d", "leave days" if n == 40 else "x", 0) for n in range(45))

    found = await ranked(at(opea.url, "opea"), passages=many, top_n=1)

    assert names(found) == ["c40"]
    assert [len(seen.body["texts"]) for seen in opea.requests] == [32, 13]


async def test_the_service_of_opea_is_found_once_and_then_known() -> None:
    with FakeOpea(routes=("/v1/reranking",)) as wrapper:
        first = await ranked(at(wrapper.url, "opea"), top_n=3)
        again = await ranked(at(wrapper.url, "opea"), top_n=1)
        paths = [seen.path for seen in wrapper.requests]

    assert names(first) == ["c1", "c2", "c3"]
    assert names(again) == ["c1"]
    assert paths == ["/rerank", "/v1/reranking", "/v1/reranking"]


async def test_equal_texts_at_the_service_of_opea_are_different_passages() -> None:
    twins = tuple(Passage(name, "d", "d", "leave", 0) for name in ("a", "b"))
    with FakeOpea(routes=("/v1/reranking",)) as wrapper:
        found = await ranked(at(wrapper.url, "opea"), passages=twins, top_n=2)

    assert names(found) == ["a", "b"]


async def test_a_model_server_is_asked_as_vllm_is(fake: FakeOpenAI) -> None:
    fake.reset()
    found = await ranked(at(fake.url, "openai"), "openai", model="bge-reranker", top_n=2)

    body = fake.requests[0].body
    assert names(found) == ["c1", "c2"]
    assert fake.requests[0].path == "/v1/rerank"
    assert (body["model"], body["top_n"], len(body["documents"])) == ("bge-reranker", 2, 4)


async def test_nothing_found_is_nothing_asked(opea: FakeOpea) -> None:
    found = await ranked(at(opea.url, "opea"), passages=())

    assert found.outputs == {"passages": ()}
    assert opea.requests == []


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Behaviour(status=500), ServiceBroke),
        (Behaviour(status=401), KeyRefused),
        (Behaviour(status=404), ServiceWrong),
        (Behaviour(hang=True), ServiceUnavailable),
        (Behaviour(cut=True), ServiceBroke),
        (Behaviour(garbage=True), ServiceBroke),
        (Behaviour(answer={"error": "x"}), ServiceBroke),
        (Behaviour(answer=[{"index": 7, "score": 1}]), ServiceBroke),
        (Behaviour(answer=[{"index": 0, "score": 1}, {"index": 0, "score": 1}]), ServiceBroke),
        (Behaviour(answer=[{"index": 0}]), ServiceBroke),
    ],
)
async def test_faults_have_names(
    opea: FakeOpea, behaviour: Behaviour, error: type[ServiceFault]
) -> None:
    opea.reset(behaviour)

    with pytest.raises(error, match="ranker"):
        await ranked(at(opea.url, "opea"))


@pytest.mark.parametrize("answer", [{"reranked_docs": [{"text": "else", "score": 1}]}, {"x": 1}])
async def test_an_answer_of_other_texts_is_refused(answer: Any) -> None:
    with FakeOpea() as wrapper:
        reranking._wrapped.add(wrapper.url)
        wrapper.behaviour = Behaviour(answer=answer)
        with pytest.raises(ServiceBroke, match="no ranking"):
            await ranked(at(wrapper.url, "opea"))


async def test_a_model_server_that_fails(fake: FakeOpenAI) -> None:
    fake.behaviour = Pace(status=500)
    try:
        with pytest.raises(ServiceBroke, match="HTTP 500"):
            await ranked(at(fake.url, "openai"), "openai", model="m")
    finally:
        fake.behaviour = Pace()


async def test_cancelling_closes_the_request(opea: FakeOpea) -> None:
    opea.reset(Behaviour(hang=True))
    task = asyncio.create_task(ranked(at(opea.url, "opea")))
    await asyncio.to_thread(wait_until, lambda: opea.open_requests == 1, what="a request")

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(opea.wait_until_idle)
