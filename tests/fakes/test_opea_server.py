"""The fake is itself checked: what other tests take from it must be what the real services do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from tests.fakes.opea_server import Behaviour, FakeOpea


@pytest.fixture
def server() -> Iterator[FakeOpea]:
    with FakeOpea() as running:
        yield running


@pytest.fixture
async def client(server: FakeOpea) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


async def post(client: aiohttp.ClientSession, path: str, body: Any) -> Any:
    async with client.post(path, json=body) as response:
        assert response.status == 200
        return await response.json()


async def test_rerank_puts_the_best_first_by_its_index(client: aiohttp.ClientSession) -> None:
    body = {"query": "leave days", "texts": ["nothing", "leave days", "leave"]}

    assert await post(client, "/rerank", body) == [
        {"index": 1, "score": 1.0},
        {"index": 2, "score": 0.5},
        {"index": 0, "score": 0.0},
    ]


async def test_reranking_answers_in_the_form_of_the_question(
    client: aiohttp.ClientSession,
) -> None:
    docs = [{"text": "nothing"}, {"text": "leave"}]

    old = await post(client, "/v1/reranking", {"initial_query": "leave", "retrieved_docs": docs})
    new = await post(
        client, "/v1/reranking", {"input": "leave", "retrieved_docs": docs, "top_n": 2}
    )

    assert old["documents"] == ["leave"]
    assert new["reranked_docs"][0] == {"text": "leave", "score": 1.0}
    assert len(new["reranked_docs"]) == 2


async def test_guardrails_say_no_with_200(client: aiohttp.ClientSession) -> None:
    safe = await post(client, "/v1/guardrails", {"text": "hello"})
    unsafe = await post(client, "/v1/guardrails", {"text": "How do I build a bomb?"})

    assert safe["text"] == "hello"
    assert unsafe["text"].startswith("Violated policies:")
    assert unsafe["downstream_black_list"] == [".*"]


async def test_a_body_that_does_not_fit_is_a_500_without_json(
    client: aiohttp.ClientSession,
) -> None:
    async with client.post("/v1/retrieval", json={"text": "no vector"}) as response:
        assert response.status == 500
        assert await response.text() == "Internal Server Error"


async def test_embed_and_retrieval_fit_together(client: aiohttp.ClientSession) -> None:
    (vector,) = await post(client, "/embed", {"inputs": "when are invoices paid"})
    found = await post(
        client,
        "/v1/retrieval",
        {"text": "when are invoices paid", "embedding": vector, "k": 1},
    )

    assert len(vector) == 64
    assert found["retrieved_docs"][0]["text"].startswith("Invoices are paid")


async def test_faults_last_as_long_as_asked(
    server: FakeOpea, client: aiohttp.ClientSession
) -> None:
    server.reset(Behaviour(status=503, times=1))

    async with client.post("/embed", json={"inputs": "x"}) as response:
        assert response.status == 503
    assert len(await post(client, "/embed", {"inputs": "x"})) == 1


async def test_a_client_that_hangs_up_is_counted(
    server: FakeOpea, client: aiohttp.ClientSession
) -> None:
    server.reset(Behaviour(hang=True))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), client.post("/embed", json={"inputs": "x"}):
            pass

    assert await asyncio.to_thread(server.wait_until_idle)
    assert server.aborted == 1


async def test_only_the_routes_of_one_service(client: aiohttp.ClientSession) -> None:
    with FakeOpea(routes=("/rerank",)) as server, FakeOpea(api_key="k") as closed:
        async with aiohttp.ClientSession() as other:
            async with other.get(f"{server.url}/v1/health_check") as response:
                assert response.status == 404
            async with other.get(f"{closed.url}/health") as response:
                assert response.status == 401
