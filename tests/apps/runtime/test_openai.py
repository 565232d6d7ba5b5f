"""The client against a real server that plays every fault."""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing
from dataclasses import replace

import pytest

from apps.runtime import http, openai
from apps.runtime.errors import (
    AddressWrong,
    KeyRefused,
    ModelUnknown,
    RateLimited,
    ServiceBroke,
    ServiceFault,
    ServiceRefused,
    ServiceUnavailable,
)
from apps.runtime.openai import ChatStream
from apps.runtime.resources import ModelServer, Sampling, Turn
from tests.fakes.openai_server import FakeOpenAI

HELLO = (Turn("user", "hello there world"),)


async def read(server: ModelServer, model: str, sampling: Sampling | None = None) -> ChatStream:
    stream = ChatStream(server, model, HELLO, sampling or Sampling())
    stream.text = "".join([text async for text in stream.texts()])  # type: ignore[attr-defined]
    return stream


async def test_a_stream_gives_text_usage_and_reason(server: ModelServer) -> None:
    stream = await read(server, "fake")

    assert stream.text == "You said: hello there world"  # type: ignore[attr-defined]
    assert stream.usage == (3, 5)
    assert stream.finish_reason == "stop"
    assert stream.pieces == 5


@pytest.mark.parametrize(
    "model",
    [
        "fake-split1",
        "fake-split7",
        "fake-crlf",
        "fake-comments",
        "fake-batch3",
        "fake-crlf-split3-comments",
    ],
)
async def test_the_form_of_the_stream_does_not_matter(server: ModelServer, model: str) -> None:
    stream = await read(server, model)

    assert stream.text == "You said: hello there world"  # type: ignore[attr-defined]


async def test_missing_usage_leaves_it_empty(server: ModelServer) -> None:
    assert (await read(server, "fake-nousage")).usage is None


async def test_length_is_told(server: ModelServer) -> None:
    assert (await read(server, "fake-n9", Sampling(max_tokens=2))).finish_reason == "length"


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("fake-status400", ServiceRefused),
        ("fake-status401", KeyRefused),
        ("fake-status404", ModelUnknown),
        ("fake-status429", RateLimited),
        ("fake-status500", ServiceBroke),
        ("fake-status503", ServiceUnavailable),
        ("fake-html", AddressWrong),
        ("fake-cut2-itl5", ServiceBroke),
        ("fake-cut0", ServiceBroke),
        ("fake-stall2", ServiceBroke),
        ("fake-stall0", ServiceBroke),
        ("fake-hang", ServiceUnavailable),
        ("fake-garbage2", ServiceBroke),
        ("fake-error2", ServiceBroke),
        ("fake-nodone", ServiceBroke),
        ("fake-bigline", ServiceBroke),
        ("fake-dropfirst", ServiceUnavailable),
    ],
)
async def test_faults_are_told_apart(
    server: ModelServer, fake: FakeOpenAI, model: str, error: type[ServiceFault]
) -> None:
    with pytest.raises(ServiceFault) as caught:
        await read(server, model)

    assert type(caught.value) is error
    assert await asyncio.to_thread(fake.wait_until_idle)


async def test_text_before_a_cut_is_kept(server: ModelServer) -> None:
    pieces: list[str] = []
    with pytest.raises(ServiceBroke):
        async for text in ChatStream(server, "fake-n9-cut3-itl5", HELLO, Sampling()).texts():
            pieces.append(text)

    assert len(pieces) == 3


async def test_the_servers_own_words_reach_the_reader(server: ModelServer) -> None:
    with pytest.raises(ServiceBroke, match="CUDA out of memory"):
        await read(server, "fake-error1")


async def test_rate_limit_tells_how_long(server: ModelServer) -> None:
    with pytest.raises(RateLimited, match="for 7 s"):
        await read(server, "fake-status429")


async def test_a_dead_kept_connection_is_tried_once_anew(
    server: ModelServer, fake: FakeOpenAI
) -> None:
    await read(server, "fake")
    fake.reset()

    stream = await read(server, "fake-dropreused")

    assert stream.finish_reason == "stop"
    assert len(fake.requests) == 2


async def test_a_new_connection_that_dies_is_not_tried_again(
    server: ModelServer, fake: FakeOpenAI
) -> None:
    with pytest.raises(ServiceUnavailable):
        await read(server, "fake-dropfirst")

    assert len(fake.requests) == 1


async def test_connections_are_kept(server: ModelServer, fake: FakeOpenAI) -> None:
    for _ in range(5):
        await read(server, "fake")

    assert fake.connections_made == 1


async def test_closing_the_iterator_closes_the_upstream(
    server: ModelServer, fake: FakeOpenAI
) -> None:
    stream = ChatStream(server, "fake-n1000-itl10", HELLO, Sampling())
    async with aclosing(stream.texts()) as pieces:
        await anext(pieces)
        assert fake.open_streams == 1

    assert await asyncio.to_thread(fake.wait_until_idle)
    assert fake.streams_aborted == 1


async def test_cancelling_before_the_first_byte_closes_the_upstream(
    server: ModelServer, fake: FakeOpenAI
) -> None:
    task = asyncio.create_task(read(server, "fake-hang"))
    await asyncio.sleep(0.2)
    assert fake.open_streams == 1

    task.cancel()

    assert await asyncio.to_thread(fake.wait_until_idle)


async def test_refused_top_k_is_left_out_and_remembered(
    server: ModelServer, fake: FakeOpenAI
) -> None:
    sampling = Sampling(top_k=40, temperature=0.2)

    await read(server, "fake-notopk", sampling)
    await read(server, "fake-notopk", sampling)

    assert ["top_k" in request.body for request in fake.requests] == [True, False, False]
    assert fake.requests[-1].body["temperature"] == 0.2


async def test_unset_parameters_are_not_sent(server: ModelServer, fake: FakeOpenAI) -> None:
    await read(server, "fake", Sampling(top_p=0.5))

    assert set(fake.requests[0].body) == {
        "model",
        "messages",
        "stream",
        "stream_options",
        "top_p",
    }


async def test_an_unreachable_server_is_named(server: ModelServer) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        closed = replace(server, base_url=f"http://127.0.0.1:{held.getsockname()[1]}/v1")
        with pytest.raises(ServiceUnavailable, match="local did not answer"):
            await read(closed, "fake")


async def test_an_address_that_is_none_is_told(server: ModelServer) -> None:
    with pytest.raises(ServiceUnavailable, match="not a valid URL"):
        await read(replace(server, base_url="nonsense"), "fake")


async def test_the_key_is_sent_and_never_told() -> None:
    with FakeOpenAI(api_key="right") as fake:
        good = ModelServer(name="s", base_url=fake.url, api_key="right")
        await read(good, "fake")
        with pytest.raises(KeyRefused) as caught:
            await read(replace(good, api_key="wrong-key"), "fake")
        await http.close_sessions()

    assert "wrong-key" not in str(caught.value) + repr(good)


async def test_models_are_listed_sorted(server: ModelServer) -> None:
    assert await openai.list_models(server) == ["fake-model", "fake-model-large"]


async def test_models_of_a_wrong_address_say_so(server: ModelServer, fake: FakeOpenAI) -> None:
    with pytest.raises(AddressWrong, match="ends in /v1"):
        await openai.list_models(replace(server, base_url=fake.root))


async def test_embeddings_come_in_the_order_of_the_texts(server: ModelServer) -> None:
    vectors = await openai.embeddings(server, "e", ["red wine", "tax law", "wine red"])

    assert vectors.shape == (3, 64)
    assert (vectors[0] == vectors[2]).all()
    assert (vectors[0] != vectors[1]).any()
