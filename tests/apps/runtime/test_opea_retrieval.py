"""OPEA's retriever: the question goes as a vector, passages come back, and what is wrong is said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest

from apps.runtime.adapters.base import ConnectionMissing
from apps.runtime.adapters.retrieval import VectorsMissing
from apps.runtime.embedding import BuiltinEmbedder
from apps.runtime.errors import ServiceBroke
from apps.runtime.events import Documents
from apps.runtime.http import close_sessions
from apps.runtime.openai import embeddings
from apps.runtime.resources import ModelServer, Resources, Turn
from tests.apps.runtime.steps import node, ran
from tests.fakes.opea_server import DOCUMENTS, Behaviour, FakeOpea


@pytest.fixture(scope="module")
def opea() -> Iterator[FakeOpea]:
    with FakeOpea() as server:
        yield server


@pytest.fixture
async def given(opea: FakeOpea) -> AsyncIterator[Resources]:
    opea.reset()
    server = ModelServer("there", opea.url, "", 1.0, 1.0, 1.0, kind="opea")
    yield Resources(servers={"there": server})
    await close_sessions()


def retriever(**params: Any) -> Any:
    own = {"server": "there", "connection": "there", "model": "bge"} | params
    return node("find", "retriever-opea", "opea", **own)


async def test_the_question_is_embedded_and_its_vector_searched(
    given: Resources, opea: FakeOpea
) -> None:
    done = await ran(retriever(k=2), {"question": DOCUMENTS[1]}, given)

    embedded, searched = opea.requests
    assert (embedded.path, embedded.body) == (
        "/v1/embeddings",
        {"model": "bge", "input": [DOCUMENTS[1]]},
    )
    assert searched.path == "/v1/retrieval"
    assert len(searched.body["embedding"]) == 64
    assert (searched.body["search_type"], searched.body["k"]) == ("similarity", 2)
    assert "index_name" not in searched.body
    first, second = done.outputs["passages"]
    assert (first.text, first.score, second.score) == (DOCUMENTS[1], 1, 0.5)
    assert (first.document, first.ordinal) == ("there", 0)
    assert isinstance(done.events[-1], Documents)


@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        ({"diversity": 0.25, "min_score": 0.5}, {"search_type": "mmr", "lambda_mult": 0.75}),
        (
            {"min_score": 0.5},
            {"search_type": "similarity_score_threshold", "score_threshold": 0.5},
        ),
        ({"index_name": "hr"}, {"search_type": "similarity", "index_name": "hr"}),
    ],
)
async def test_every_setting_reaches_the_service(
    given: Resources, opea: FakeOpea, params: dict[str, Any], wanted: dict[str, Any]
) -> None:
    await ran(retriever(**params), {"question": "leave?"}, given)

    assert wanted.items() <= opea.requests[-1].body.items()


async def test_more_than_was_asked_for_is_cut(given: Resources, opea: FakeOpea) -> None:
    rows = [{"text": f"Text {n}"} for n in range(4)]
    told = [{"source": "leave.md"}, {}, {"file_name": "it.md"}]
    opea.reset(Behaviour(answer={"retrieved_docs": rows, "metadata": told}))
    one = retriever(k=3, connection="builtin")

    with pytest.raises(VectorsMissing):
        await ran(one, {"question": "leave?"}, given)
    vectors = Resources(servers=given.servers, embedder=_Ones())
    done = await ran(one, {"question": "leave?"}, vectors)

    assert [passage.document for passage in done.outputs["passages"]] == [
        "leave.md",
        "there",
        "it.md",
    ]
    assert len({passage.chunk_id for passage in done.outputs["passages"]}) == 3


async def test_the_built_in_embedding_serves_as_well(
    given: Resources, opea: FakeOpea, embedder: BuiltinEmbedder
) -> None:
    resources = Resources(servers=given.servers, embedder=embedder)

    await ran(retriever(connection="builtin"), {"question": "leave?"}, resources)

    assert [len(request.body["embedding"]) for request in opea.requests] == [384]


async def test_a_follow_up_is_searched_with_what_it_is_about(
    given: Resources, opea: FakeOpea
) -> None:
    history = (Turn("user", "How much holiday do we get?"), Turn("assistant", "Thirty days."))
    await ran(retriever(), {"question": "And in Spain?", "history": history}, given)

    assert "holiday" in opea.requests[-1].body["text"]


@pytest.mark.parametrize("answer", [{"docs": []}, [], {"retrieved_docs": [{"id": 1}]}, "x"])
async def test_an_answer_without_passages_is_said(
    given: Resources, opea: FakeOpea, answer: Any
) -> None:
    opea.reset(Behaviour(answer=answer))
    vectors = Resources(servers=given.servers, embedder=_Ones())

    with pytest.raises(ServiceBroke, match="its answer holds no passages"):
        await ran(retriever(connection="builtin"), {"question": "leave?"}, vectors)


async def test_a_connection_that_is_gone(given: Resources) -> None:
    with pytest.raises(ConnectionMissing, match="gone"):
        await ran(retriever(server="gone"), {"question": "leave?"}, given)
    with pytest.raises(ConnectionMissing, match="away"):
        await ran(retriever(connection="away"), {"question": "leave?"}, given)


async def test_opeas_embeddings_have_their_own_place(given: Resources, opea: FakeOpea) -> None:
    vectors = await embeddings(given.servers["there"], "bge", ["one", "two"])

    assert vectors.shape == (2, 64)
    assert [request.path for request in opea.requests] == ["/v1/embeddings"]


class _Ones:
    name, dimensions = "test:ones", 4

    def embed(self, texts: Any) -> Any:
        return np.ones((len(texts), 4), np.float32) / 2
