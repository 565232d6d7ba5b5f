"""The fake is itself measured: what other tests take from it must be true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import aiohttp
import orjson
import pytest

from tests.fakes.openai_server import Behaviour, FakeOpenAI, answer_for, embedding


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def chat(model: str = "fake-model", text: str = "hello there", **more: object) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


async def test_models_lists_what_the_constructor_named(client: aiohttp.ClientSession) -> None:
    with FakeOpenAI(models=("a", "b")) as server:
        async with client.get(f"{server.url}/models") as response:
            rows = (await response.json())["data"]

    assert [row["id"] for row in rows] == ["a", "b"]


async def test_plain_completion_counts_tokens(
    server: FakeOpenAI, client: aiohttp.ClientSession
) -> None:
    async with client.post(f"{server.url}/chat/completions", json=chat("fake-n5")) as response:
        body = await response.json()

    assert body["usage"]["completion_tokens"] == 5
    assert body["choices"][0]["finish_reason"] == "stop"
    assert server.open_streams == 0


async def test_stream_ends_with_usage_and_done(
    server: FakeOpenAI, client: aiohttp.ClientSession
) -> None:
    body = chat("fake-n4", stream=True, stream_options={"include_usage": True})
    async with client.post(f"{server.url}/chat/completions", json=body) as response:
        events = [line[6:] for line in (await response.text()).splitlines() if line]

    assert events[-1] == "[DONE]"
    assert orjson.loads(events[-2])["usage"]["completion_tokens"] == 4
    assert orjson.loads(events[-3])["choices"][0]["finish_reason"] == "stop"
    assert len(events) == 4 + 3


async def test_max_tokens_cuts_the_reply_with_length(
    server: FakeOpenAI, client: aiohttp.ClientSession
) -> None:
    body = chat("fake-n9", max_tokens=3)
    async with client.post(f"{server.url}/chat/completions", json=body) as response:
        choice = (await response.json())["choices"][0]

    assert choice["finish_reason"] == "length"
    assert len(choice["message"]["content"].split()) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_status_in_the_model_name_is_answered(
    server: FakeOpenAI, client: aiohttp.ClientSession, status: int
) -> None:
    body = chat(f"fake-status{status}")
    async with client.post(f"{server.url}/chat/completions", json=body) as response:
        assert response.status == status
        assert set((await response.json())["error"]) == {"message", "type", "param", "code"}


async def test_api_key_is_asked_for(client: aiohttp.ClientSession) -> None:
    with FakeOpenAI(api_key="s3cret") as server:
        url = f"{server.url}/models"
        async with client.get(url) as refused:
            assert refused.status == 401
        async with client.get(url, headers={"Authorization": "Bearer s3cret"}) as accepted:
            assert accepted.status == 200


async def test_cut_breaks_the_body(server: FakeOpenAI, client: aiohttp.ClientSession) -> None:
    body = chat("fake-n9-itl5-cut2", stream=True)
    with pytest.raises(aiohttp.ClientPayloadError):
        async with client.post(f"{server.url}/chat/completions", json=body) as response:
            await response.read()

    assert server.streams_aborted == 1


async def test_closing_the_client_closes_the_stream(
    server: FakeOpenAI, client: aiohttp.ClientSession
) -> None:
    body = chat("fake-n1000-itl10", stream=True)
    async with client.post(f"{server.url}/chat/completions", json=body) as response:
        await response.content.readany()
        assert server.open_streams == 1

    assert await asyncio.to_thread(server.wait_until_idle)
    assert server.streams_aborted == 1


async def test_a_reused_connection_is_dropped_before_a_byte(
    server: FakeOpenAI, client: aiohttp.ClientSession
) -> None:
    url, body = f"{server.url}/chat/completions", chat("fake-n2-dropreused")
    async with client.post(url, json=body) as first:
        await first.read()

    with pytest.raises(aiohttp.ServerDisconnectedError):
        async with client.post(url, json=body):
            pass


async def test_x_fake_wins_over_the_model_name(
    server: FakeOpenAI, client: aiohttp.ClientSession
) -> None:
    body = chat("fake-n5") | {"x-fake": {"tokens": 2}}
    async with client.post(f"{server.url}/chat/completions", json=body) as response:
        assert (await response.json())["usage"]["completion_tokens"] == 2


async def test_nothing_leaves_before_its_time(
    server: FakeOpenAI, client: aiohttp.ClientSession
) -> None:
    body = chat("fake-ttft100-itl20-n11", stream=True)
    began = time.perf_counter()
    async with client.post(f"{server.url}/chat/completions", json=body) as response:
        await response.read()

    assert time.perf_counter() - began >= 0.300


async def test_state_is_served(server: FakeOpenAI, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{server.root}/fake/state") as response:
        state = await response.json()

    assert state["open_streams"] == 0
    assert server.requests == []


async def test_behaviour_can_be_set_from_outside(client: aiohttp.ClientSession) -> None:
    with FakeOpenAI(Behaviour(tokens=3)) as server:
        async with client.post(f"{server.root}/fake/behaviour", json={"tokens": 7}) as response:
            await response.read()

        assert server.behaviour.tokens == 7


def test_answer_quotes_the_passage_that_fits() -> None:
    prompt = "[1] Cats sleep all day.\n[2] The invoice is due in thirty days.\n\nWhen is the invoice due?"

    assert answer_for([{"role": "user", "content": prompt}]) == (
        "The invoice is due in thirty days. [2]"
    )


def test_embedding_is_normalised_and_repeatable() -> None:
    vector = embedding("red wine")

    assert sum(value * value for value in vector) == pytest.approx(1.0)
    assert vector == embedding("Wine, RED!")
