"""The client of OPEA's services against a real small one, with everything that goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from apps.runtime.errors import (
    KeyRefused,
    ServiceBroke,
    ServiceFault,
    ServiceUnavailable,
    ServiceWrong,
)
from apps.runtime.http import close_sessions
from apps.runtime.opea import post
from apps.runtime.resources import ModelServer
from tests.fakes.opea_server import Behaviour, FakeOpea
from tests.servers.ports import wait_until


@pytest.fixture(scope="module")
def opea() -> Iterator[FakeOpea]:
    with FakeOpea() as server:
        yield server


@pytest.fixture
async def service(opea: FakeOpea) -> AsyncIterator[ModelServer]:
    opea.reset()
    yield connection(opea)
    await close_sessions()


def connection(opea: FakeOpea, key: str = "") -> ModelServer:
    return ModelServer("guard", opea.url, key, 1.0, 0.3, 0.3, kind="opea")


async def test_a_request_and_its_answer(service: ModelServer, opea: FakeOpea) -> None:
    assert await post(service, "v1/guardrails", {"text": "hello"}) == {
        "text": "hello",
        "downstream_black_list": [],
    }
    assert [(seen.method, seen.path) for seen in opea.requests] == [("POST", "/v1/guardrails")]


@pytest.mark.parametrize(
    ("behaviour", "error", "words"),
    [
        (Behaviour(status=500), ServiceBroke, "HTTP 500"),
        (Behaviour(status=503), ServiceUnavailable, "HTTP 503"),
        (Behaviour(garbage=True), ServiceBroke, "with JSON"),
        (Behaviour(cut=True), ServiceBroke, "the connection was cut"),
        (Behaviour(drop=True), ServiceUnavailable, "closed the connection without an answer"),
        (Behaviour(hang=True), ServiceUnavailable, "sent nothing in time"),
        (Behaviour(status=404), ServiceWrong, "HTTP 404"),
        (Behaviour(status=403), KeyRefused, "API key"),
    ],
)
async def test_every_fault_is_said_in_words(
    service: ModelServer,
    opea: FakeOpea,
    behaviour: Behaviour,
    error: type[ServiceFault],
    words: str,
) -> None:
    opea.reset(behaviour)

    with pytest.raises(error, match=words):
        await post(service, "v1/guardrails", {"text": "hello"})


async def test_nobody_listens() -> None:
    nobody = ModelServer("guard", "http://127.0.0.1:9", kind="opea")

    with pytest.raises(ServiceUnavailable, match="refuses connections"):
        await post(nobody, "embed", {})
    await close_sessions()


async def test_a_connection_that_died_while_kept_is_opened_again(
    service: ModelServer, opea: FakeOpea
) -> None:
    await post(service, "v1/guardrails", {"text": "one"})
    opea.reset(Behaviour(drop=True, times=1))

    assert (await post(service, "v1/guardrails", {"text": "two"}))["text"] == "two"


async def test_cancelling_closes_the_request(service: ModelServer, opea: FakeOpea) -> None:
    opea.reset(Behaviour(hang=True))
    task = asyncio.create_task(post(service, "v1/guardrails", {"text": "x"}))
    await asyncio.to_thread(wait_until, lambda: opea.open_requests == 1, what="a request")

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(opea.wait_until_idle)


async def test_the_key_is_sent_and_never_shown() -> None:
    with FakeOpea(api_key="secret-key") as opea:
        sent = await post(connection(opea, "secret-key"), "v1/guardrails", {"text": "x"})
        opea.behaviour = Behaviour(status=418)
        with pytest.raises(ServiceFault) as refused:
            await post(connection(opea, "secret-key"), "v1/guardrails", {"text": "x"})

    assert sent["text"] == "x"
    assert "secret-key" not in str(refused.value)
    await close_sessions()
