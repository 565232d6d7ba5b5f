"""Summarizer: every strategy with a model, OPEA's service, and the text's own sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from apps.runtime.adapters.summary import TextTooLong
from apps.runtime.central import NOTHING, summary_of
from apps.runtime.embedding import BuiltinEmbedder
from apps.runtime.errors import ServiceBroke
from apps.runtime.events import Finished, Token, Usage
from apps.runtime.graph import Graph
from apps.runtime.media import Media
from apps.runtime.resources import ModelServer
from apps.runtime.summarizing import pieces_of, strategy_for
from apps.runtime.traits import Traits, traits_of
from tests.apps.runtime.applications import MODEL, answer_to, asked, built, events_of
from tests.fakes.opea_server import FakeOpea
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.sounds import spoken

TEXT = """\
# Minutes of the garden club

The garden club met on Tuesday in the old greenhouse. Eleven members came.

The club decided to plant forty apple trees along the canal this autumn. The apple trees cost 1,200 euros, \
and the town pays half of that. Ada orders the apple trees and asks the town for its half.

- The key to the greenhouse hangs at the bakery now.
- Lunch was soup.

The apple trees along the canal will be watered by the school's third form. Next meeting: 3 March.
"""
LONG = "\n\n".join(f"Part {n}. " + f"Word{n} is here. " * 40 for n in range(6))


def summarizer(strategy: str = "auto", piece_chars: int = 1_000, **changes: object) -> Graph:
    """With small parts, so that short texts are long ones."""
    graph = built("summarizer", MODEL | {"spec.summary.strategy": strategy} | changes)
    nodes = tuple(
        node.model_copy(update={"params": node.params | {"piece_chars": piece_chars}})
        if node.component == "summarizer"
        else node
        for node in graph.nodes
    )
    return graph.model_copy(update={"nodes": nodes})


@pytest.fixture(scope="module")
def opea() -> Iterator[FakeOpea]:
    with FakeOpea() as server:
        yield server


@pytest.fixture
def opea_server(opea: FakeOpea) -> ModelServer:
    opea.reset()
    return ModelServer("opea", opea.url, kind="opea", first_token_timeout_s=2)


def systems(fake: FakeOpenAI) -> list[str]:
    """How each request's task begins, in the order of their arrival."""
    return [one.body["messages"][0]["content"][:24] for one in fake.requests]


async def test_a_text_that_fits_is_read_in_one_go(fake: FakeOpenAI, server: ModelServer) -> None:
    answer = await answer_to(summarizer(), asked(TEXT.strip()), server)

    assert answer.text == TEXT.strip()  # the fake copies what stands between the tags
    assert len(fake.requests) == 1
    assert "in about 150 words" in fake.requests[0].body["messages"][0]["content"]


async def test_a_long_text_is_read_in_parts_at_the_same_time(
    fake: FakeOpenAI, server: ModelServer
) -> None:
    graph = summarizer(**{"spec.model.name": "fake-n8-ttft150"})
    events = await events_of(graph, asked(LONG), server)
    finished = next(one for one in events if isinstance(one, Finished) and one.node == "summarizer")

    assert systems(fake) == ["You summarise one part of"[:24]] * 6 + ["You are given summaries "]
    assert finished.outputs["strategy"] == "map-reduce"
    assert finished.outputs["requests"] == 7
    assert sum(isinstance(one, Token) for one in events) == 8
    assert sum(one.completion_tokens for one in events if isinstance(one, Usage)) == 7 * 8
    assert fake.peak_streams > 1


async def test_refining_reads_part_after_part(fake: FakeOpenAI, server: ModelServer) -> None:
    await answer_to(summarizer("refine", **{"spec.model.name": "fake-n8"}), asked(LONG), server)

    assert systems(fake) == ["You summarise texts. Sum"] + ["You improve a summary of"] * 5
    assert "The summary so far:" in fake.requests[1].body["messages"][1]["content"]


async def test_stuffing_sends_all_of_it(fake: FakeOpenAI, server: ModelServer) -> None:
    await answer_to(summarizer("stuff"), asked(LONG), server)

    assert len(fake.requests) == 1


async def test_summaries_that_stay_too_long_end_all_the_same(
    fake: FakeOpenAI, server: ModelServer
) -> None:
    answer = await answer_to(summarizer("map-reduce"), asked(LONG), server)

    assert answer.text
    assert len(fake.requests) <= 14


async def test_a_document_is_summarised_and_words_beside_it_are_a_request(
    fake: FakeOpenAI, server: ModelServer
) -> None:
    document = Media("text/markdown", TEXT.encode(), "minutes.md")
    await answer_to(
        summarizer(piece_chars=9_000), asked("Only costs", document, words="40"), server
    )
    system, user = fake.requests[-1].body["messages"]

    assert "in about 40 words" in system["content"]
    assert system["content"].endswith("The reader asks for this in particular: Only costs")
    assert "# Minutes of the garden club" in user["content"]
    assert "- Lunch was soup." in user["content"]


async def test_a_recording_is_summarised(fake: FakeOpenAI, server: ModelServer) -> None:
    graph = summarizer(**{"spec.speech.recognition": {"connection": "local", "name": "fake"}})
    sound = Media("audio/wav", spoken("We meet at nine."), "memo.wav")

    assert (await answer_to(graph, asked("", sound), server)).text == "We meet at nine."
    assert traits_of(graph).takes == ("audio", "document")


async def test_a_part_that_fails_ends_the_summary(fake: FakeOpenAI, server: ModelServer) -> None:
    with pytest.raises(ServiceBroke):
        await answer_to(summarizer(**{"spec.model.name": "fake-cut"}), asked(LONG), server)
    assert fake.wait_until_idle()


async def test_a_text_of_too_many_parts_is_refused(server: ModelServer) -> None:
    with pytest.raises(TextTooLong, match="requests; 200 are allowed"):
        await answer_to(summarizer(piece_chars=500), asked("Some words. " * 10_000), server)


@pytest.mark.parametrize(
    ("strategy", "sent"), [("auto", "auto"), ("map-reduce", "map_reduce"), ("refine", "refine")]
)
async def test_opea_summarises(
    strategy: str, sent: str, opea: FakeOpea, opea_server: ModelServer
) -> None:
    changes = {
        "spec.model": {"connection": "opea", "name": "llama"},
        "spec.summary.strategy": strategy,
    }
    graph = built("summarizer", changes, {"opea": "opea"})
    events = await events_of(graph, asked("The hall opens at nine."), opea_server)

    assert events[-1].text == f"Summary ({sent}): The hall opens at nine."  # type: ignore[union-attr]
    assert opea.requests[-1].body["stream"] == (strategy != "map-reduce")


# without a model


async def test_without_a_model_central_sentences_are_quoted(embedder: BuiltinEmbedder) -> None:
    graph = built("summarizer", {"spec.summary.words": 40})
    answer = await answer_to(graph, asked(TEXT), embedder=embedder)

    assert not answer.generated
    assert "plant forty apple trees along the canal" in answer.text
    assert "soup" not in answer.text
    assert all(piece in TEXT for piece in re.split(r" \[…\] |\n\n", answer.text))
    assert traits_of(graph) == Traits(False, ("document",), False, {"words": "40"})


def test_central_sentences_stand_in_the_order_of_the_text() -> None:
    pieces, reply = summary_of(TEXT, 60, None)
    places = [TEXT.index(piece.strip()) for piece in pieces]

    assert places == sorted(places)
    assert len(reply.text.split()) <= 60


def test_central_sentences_answer_what_was_asked() -> None:
    _, reply = summary_of(TEXT, 12, None, asked="Where is the key?")

    assert reply.text == "- The key to the greenhouse hangs at the bakery now."


@pytest.mark.parametrize("text", ["", "Hm.", "# Only\n\n# Headings", "|a|b|\n|-|-|\n|1|2|"])
def test_where_nothing_can_be_quoted_that_is_said(text: str) -> None:
    assert summary_of(text, 50, None)[1].text == NOTHING


def test_the_same_said_twice_is_quoted_once() -> None:
    text = "The hall opens at nine every day. " * 5 + "Ada keeps the accounts of the club."

    assert summary_of(text, 20, None)[1].text.count("opens at nine") == 1


def test_strategies_and_pieces() -> None:
    assert strategy_for("auto", 100, 100) == "stuff"
    assert strategy_for("auto", 101, 100) == "map-reduce"
    assert strategy_for("refine", 1, 100) == "refine"
    assert "".join("".join(pieces_of(LONG, 700)).split()) == "".join(LONG.split())
