"""From documents to an index, and a retriever that searches where the index says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from apps.runtime.adapters.base import ConnectionMissing
from apps.runtime.adapters.knowledge import NoStore
from apps.runtime.adapters.retrieval import CollectionMissing, StoreUnreachable
from apps.runtime.engine import run
from apps.runtime.events import Answer, Event, Finished, Passage, Skipped, Token
from apps.runtime.graph import Graph
from apps.runtime.http import close_sessions
from apps.runtime.plan import GraphInvalid, make_plan
from apps.runtime.preview import preview
from apps.runtime.resources import ModelServer, Resources, RetrievalMode, RunRequest
from apps.runtime.stores.index import STORE_KINDS, Chunks, Index, Vectors
from tests.apps.runtime.graphs import PASSAGES, ListRetriever, ask
from tests.apps.runtime.steps import flow, node, ran
from tests.fakes.openai_server import FakeOpenAI

QDRANT = ModelServer("vectors", "http://127.0.0.1:6333", "a-key", kind="qdrant")


@dataclass
class Shelves:
    """Passages by collection, which may be kept at stores; tells where each search went."""

    collections: tuple[str, ...] = ("hr", "it")
    store: str = ""
    searched: list[tuple[tuple[str, ...], str]] = field(default_factory=list)

    async def search(self, query: str, *, mode: RetrievalMode, k: int) -> list[Passage]:
        self.searched.append((self.collections, self.store))
        where = f"{'+'.join(self.collections)}@{self.store or 'here'}"
        return [Passage(where, "d1", "a.md", f"From {where}.", 0.9)]

    def within(self, collections: Sequence[str]) -> Shelves:
        for name in collections:
            if name not in self.collections:
                raise KeyError(name)
        return Shelves(tuple(collections), self.store, self.searched)

    def placed_at(self, server: ModelServer) -> Shelves:
        return Shelves(self.collections, server.name, self.searched)


async def found(params: dict[str, Any], index: Index | None, shelves: Any) -> str:
    inputs = {"question": "leave?"} | ({"index": index} if index else {})
    done = await ran(node("find", "retriever", **params), inputs, Resources(retriever=shelves))
    return done.outputs["passages"][0].chunk_id


async def test_documents_become_an_index_step_by_step() -> None:
    chunks = await ran(node("prep", "dataprep", collections=["hr"]), {})
    vectors = await ran(node("embed", "embedding", model="bge"), chunks.outputs)
    index = await ran(node("keep", "vector-store-embedded"), vectors.outputs)

    assert chunks.outputs == {"chunks": Chunks(("hr",))}
    assert vectors.outputs == {"vectors": Vectors(Chunks(("hr",)), "bge")}
    assert index.outputs == {"index": Index(("hr",), None)}


@pytest.mark.parametrize("kind", STORE_KINDS)
async def test_every_kind_of_store_is_named_by_its_connection(kind: Any) -> None:
    server = ModelServer("vectors", "http://127.0.0.1:1", kind=kind)
    one = node("keep", f"vector-store-{kind}", kind, server="vectors")
    done = await ran(
        one, {"vectors": Vectors(Chunks(), "m")}, Resources(servers={"vectors": server})
    )

    assert done.outputs == {"index": Index((), server)}
    assert done.noted == {"store": "vectors"}


async def test_a_store_that_is_none_and_one_that_is_gone() -> None:
    one = node("keep", "vector-store-qdrant", "qdrant", server="local")
    inputs = {"vectors": Vectors(Chunks(), "m")}
    model = ModelServer("local", "http://127.0.0.1:1/v1")

    with pytest.raises(NoStore, match=r"keep keeps vectors at the connection local.*\(openai\)"):
        await ran(one, inputs, Resources(servers={"local": model}))
    with pytest.raises(ConnectionMissing, match="local"):
        await ran(one, inputs)


async def test_a_retriever_searches_what_the_index_says() -> None:
    assert await found({}, None, Shelves()) == "hr+it@here"
    assert await found({}, Index(), Shelves()) == "hr+it@here"
    assert await found({}, Index(("it",)), Shelves()) == "it@here"
    assert await found({}, Index(("it",), QDRANT), Shelves()) == "it@vectors"
    assert await found({"collections": ["hr"]}, Index((), QDRANT), Shelves()) == "hr@vectors"


async def test_what_cannot_be_searched_there_says_so() -> None:
    with pytest.raises(StoreUnreachable, match="vector store vectors"):
        await found({}, Index((), QDRANT), ListRetriever())
    with pytest.raises(CollectionMissing, match="legal"):
        await found({}, Index(("legal",)), Shelves())


async def test_what_ranks_by_itself_names_no_store() -> None:
    class Snapshot(Shelves):
        def placed_at(self, server: ModelServer) -> Shelves:
            return self

    given = Resources(retriever=Snapshot())
    inputs = {"question": "leave?", "index": Index((), QDRANT)}
    done = await ran(node("find", "retriever"), inputs, given)

    assert "store" not in done.noted
    done = await ran(node("find", "retriever"), inputs, Resources(retriever=Shelves()))
    assert done.noted["store"] == "vectors"


def two_stores() -> Graph:
    return flow(
        node("question", "chat-input"),
        *(node(f"prep-{n}", "dataprep", collections=[n]) for n in ("hr", "it")),
        *(node(f"embed-{n}", "embedding") for n in ("hr", "it")),
        node("keep-hr", "vector-store-qdrant", "qdrant", server="vectors"),
        node("keep-it", "vector-store-embedded"),
        node("find-hr", "retriever"),
        node("find-it", "retriever"),
        node("fuse", "fuse"),
        node("quote", "extractive"),
        node("answer", "chat-output"),
        edges="\n".join(
            [
                *(
                    line.replace("*", n)
                    for n in ("hr", "it")
                    for line in (
                        "prep-*.chunks > embed-*.chunks",
                        "embed-*.vectors > keep-*.vectors",
                        "keep-*.index > find-*.index",
                        "question.question > find-*.question",
                    )
                ),
                "find-hr.passages > fuse.first",
                "find-it.passages > fuse.second",
                "question.question > quote.question",
                "fuse.passages > quote.passages",
                "quote.answer > answer.answer",
            ]
        ),
    )


async def test_two_retrievers_on_two_stores_in_one_flow() -> None:
    shelves = Shelves()
    given = Resources(servers={"vectors": QDRANT}, retriever=shelves)
    request = RunRequest(ask("leave?").turns, inspect=True)
    events: list[Event] = [event async for event in run(two_stores(), request, given)]

    assert isinstance(events[-1], Answer)
    assert sorted(shelves.searched) == [(("hr",), "vectors"), (("it",), "")]
    ended = {event.node: event.outputs for event in events if isinstance(event, Finished)}
    assert ended["find-hr"]["store"] == "vectors"
    assert ended["keep-hr"]["out"]["index"]["server"]["name"] == "vectors"
    assert "a-key" not in str(events)
    assert not [event for event in events if isinstance(event, Skipped)]


def test_a_graph_names_the_store_among_its_connections() -> None:
    assert two_stores().connections() == ("vectors",)
    make_plan(two_stores())


def test_ports_of_documents_connect_to_their_own_kind_only() -> None:
    graph = two_stores()
    wrong = graph.edges[0].model_copy(update={"target": "find-hr.index"})
    edges = (wrong, *(one for one in graph.edges[1:] if one.target != "find-hr.index"))

    with pytest.raises(GraphInvalid, match=r"gives chunks and find-hr\.index takes index"):
        make_plan(graph.model_copy(update={"edges": edges}))


def test_looking_at_an_index_shows_no_key() -> None:
    shown = preview(Index(("hr",), QDRANT))

    assert shown["collections"] == ["hr"]
    assert shown["server"]["kind"] == "qdrant"
    assert "api_key" not in shown["server"]


@pytest.fixture
async def given(server: ModelServer) -> AsyncIterator[Resources]:
    yield Resources(servers={"local": server}, retriever=ListRetriever(PASSAGES))
    await close_sessions()


async def test_a_model_reads_what_another_one_wrote(given: Resources, fake: FakeOpenAI) -> None:
    graph = flow(
        node("question", "chat-input"),
        node("draft-prompt", "prompt"),
        node("draft", "llm", "openai", server="local", model="fake"),
        node("words", "answer-text"),
        node("check", "template", user="Check this: {text}"),
        node("final", "llm", "openai", server="local", model="fake"),
        node("answer", "chat-output"),
        edges="""
            question.question > draft-prompt.question
            draft-prompt.messages > draft.messages
            draft.answer > words.answer
            words.text > check.text
            check.messages > final.messages
            final.answer > answer.answer
        """,
    )
    events: list[Event] = [event async for event in run(graph, ask("Hello?"), given)]

    first, second = fake.requests
    assert first.body["messages"][-1]["content"] == "Hello?"
    written = second.body["messages"][-1]["content"]
    assert written.startswith("Check this: ")
    assert len(written) > len("Check this: ")
    assert {event.node for event in events if isinstance(event, Token)} == {"final"}
