"""The vector store of a project, and the nodes on the way into one: nothing of it does nothing in silence."""

from __future__ import annotations

from typing import Any

import pytest

from apps.projects.domain.findings import Finding
from apps.projects.domain.knowledge_findings import CollectionFacts, store_findings
from apps.projects.domain.spec import Flow
from apps.projects.domain.validate import Context, findings
from tests.apps.projects.specs import spec as starter_spec
from tests.apps.projects.test_flow_findings import flow, spec

CONTEXT = Context(
    connections={"local": ("m",), "vectors": (), "cache": ()},
    kinds={"vectors": "qdrant", "cache": "redis"},
    collections={
        "hr": CollectionFacts(3, 800, 120, "builtin:all-minilm-l6-v2"),
        "it": CollectionFacts(3, 500, 50, "local:bge"),
    },
)
BASE = {"knowledge__collections": ["hr"]}
NODES = {
    "question": "chat-input",
    "prep": "dataprep",
    "embed": "embedding",
    "keep": "vector-store-qdrant",
    "find": "retriever",
    "prompt": "prompt",
    "llm": "llm",
    "answer": "chat-output",
}
EDGES = (
    "prep.chunks > embed.chunks",
    "embed.vectors > keep.vectors",
    "keep.index > find.index",
    "question.question > find.question",
    "question.question > prompt.question",
    "find.passages > prompt.passages",
    "prompt.messages > llm.messages",
    "llm.answer > answer.answer",
)


def told(rows: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.code, ".".join(map(str, one.path)), one.severity) for one in rows]


def stored(kind: str, connection: str | None = None, **changes: Any) -> list[tuple[str, str, str]]:
    store = {"kind": kind, "connection": connection}
    return told(findings(starter_spec(knowledge__store=store, **BASE, **changes), CONTEXT))


def own(edges: tuple[str, ...] = EDGES, **params: Any) -> Flow:
    return flow(NODES, edges, keep={"server": "vectors"}, **params)


def said(drawn: Flow, collections: list[str] | None = None, **parts: Any) -> list[Finding]:
    knowledge = {"collections": collections or ["hr"]} | parts.pop("knowledge", {})
    return findings(spec(drawn, knowledge=knowledge, **parts), CONTEXT)


@pytest.mark.parametrize(
    ("kind", "connection", "expected"),
    [
        ("embedded", None, []),
        ("qdrant", "vectors", []),
        ("qdrant", None, [("spec.store.connection-missing", "error")]),
        ("qdrant", "gone", [("spec.connection.unknown", "error")]),
        ("qdrant", "cache", [("spec.store.connection-kind", "error")]),
        ("redis", "local", [("spec.store.connection-kind", "error")]),
        ("embedded", "vectors", [("spec.store.connection-unused", "warning")]),
    ],
)
def test_store_and_connection_fit(
    kind: str, connection: str | None, expected: list[tuple[str, str]]
) -> None:
    place = "spec.knowledge.store.connection"

    assert stored(kind, connection) == [(code, place, severity) for code, severity in expected]


def test_a_wrong_kind_is_told_apart_in_words() -> None:
    store = {"kind": "qdrant", "connection": "cache"}
    found = store_findings(starter_spec(knowledge__store=store).spec, CONTEXT.kinds)

    assert [one.message for one in found] == [
        "“cache” leads to Redis, not to Qdrant. Choose a connection of that kind, or the other kind of "
        "store."
    ]


def test_a_store_is_not_asked_where_words_alone_count() -> None:
    assert stored("qdrant", "vectors", knowledge__retrieve__mode="lexical") == [
        ("spec.store.by-words", "spec.knowledge.store.kind", "info")
    ]


def test_an_application_without_documents_has_no_use_for_a_store() -> None:
    changes = {"application": "translation", "languages__target": "German"}
    store = {"kind": "qdrant", "connection": "vectors"}
    model = {"connection": "local", "name": "m"}
    found = findings(
        starter_spec(model=model, knowledge={"collections": [], "store": store}, **changes), CONTEXT
    )

    assert told(found)[0] == ("spec.part.unused", "spec.knowledge.store", "warning")


def test_a_flow_from_documents_to_an_answer_has_no_findings() -> None:
    assert said(own()) == []


def test_a_store_of_the_wrong_kind_in_a_flow() -> None:
    drawn = flow(NODES, EDGES, keep={"server": "cache"})

    assert told(said(drawn)) == [
        ("spec.flow.connection-missing", "spec.flow.nodes.3.params.server", "error")
    ]


def test_a_store_of_the_project_that_no_node_reads() -> None:
    store = {"kind": "qdrant", "connection": "vectors"}
    found = said(flow(), knowledge={"store": store})

    assert ("spec.part.unused", "spec.knowledge.store", "warning") in told(found)


def test_another_model_than_the_documents_have() -> None:
    found = said(own(embed={"server": "local", "model": "bge"}))

    assert told(found) == [("spec.embedding.differs", "spec.flow.nodes.2.params.model", "warning")]
    assert "make a collection with this one" in found[0].message


def test_the_embedding_node_is_judged_by_the_collections_that_reach_it() -> None:
    def at_node(**params: Any) -> list[str]:
        found = said(own(prep={"collections": ["it"]}, embed=params), ["hr", "it"])
        return [place for _, place, _ in told(found) if place.startswith("spec.flow")]

    assert at_node(server="local", model="bge") == []
    assert at_node(model="all-minilm-l6-v2") == ["spec.flow.nodes.2.params.model"]


def test_a_built_in_embedding_that_does_not_exist() -> None:
    assert told(said(own(embed={"model": "bge"}))) == [
        ("spec.embedding.unknown", "spec.flow.nodes.2.params.model", "error")
    ]


def test_a_cut_that_the_documents_do_not_have() -> None:
    found = said(own(prep={"size": 400}))

    assert told(found) == [("spec.chunk.differs", "spec.flow.nodes.1.params.size", "warning")]
    assert "“hr” is cut into 800 characters with 120 shared, not 400 with 120" in found[0].message
    assert said(own(prep={"size": 800})) == []
    assert told(said(own(prep={"size": 100, "overlap": 100}))) == [
        ("spec.chunk.overlap", "spec.flow.nodes.1.params.size", "error")
    ]


def test_an_index_that_nothing_searches() -> None:
    loose = tuple(line for line in EDGES if "find.index" not in line)

    assert told(said(own(loose))) == [("spec.flow.leads-nowhere", "spec.flow.nodes.3", "warning")]


def test_a_retriever_by_words_does_not_ask_its_store() -> None:
    assert told(said(own(find={"mode": "lexical"}))) == [
        ("spec.store.by-words", "spec.flow.nodes.4.params.mode", "info")
    ]


def test_a_retriever_that_searches_beside_its_index() -> None:
    def told_of(*names: str) -> list[tuple[str, str, str]]:
        drawn = own(prep={"collections": ["hr"]}, find={"collections": list(names)})
        found = told(said(drawn, ["hr", "it"]))
        return [row for row in found if row[1].startswith("spec.flow")]

    assert told_of("hr") == []
    assert told_of("hr", "it") == [
        ("spec.flow.collections-differ", "spec.flow.nodes.4.params.collections", "warning")
    ]
