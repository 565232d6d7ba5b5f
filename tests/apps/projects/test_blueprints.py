"""Blueprints with their conditions, when a flow is worth writing down, and hashes that stay."""

from __future__ import annotations

from typing import Any

import pytest

from apps.catalog.domain.catalog import blueprints
from apps.projects.domain.blueprints import expand, flow_of, is_blueprint
from apps.projects.domain.canonical import canonical_json, sha256
from apps.projects.domain.compile import build_graph
from apps.projects.domain.ops import assign
from apps.projects.domain.spec import Flow, FlowNode, ProjectSpec, edge
from apps.runtime.plan import make_plan
from tests.apps.projects.specs import project_for, spec

MODEL = {"connection": "local", "name": "llama"}
RERANK = {"connection": "tei", "top_n": 2}
KINDS = {"local": "openai", "tei": "opea", "guard": "opea"}
RULES = {"input": [{"kind": "pii"}], "output": [{"kind": "opea", "connection": "guard"}]}


def edges(flow: Flow) -> set[str]:
    return {f"{one.source} > {one.target}" for one in flow.edges}


def names(flow: Flow) -> list[str]:
    return [node.id for node in flow.nodes]


def test_edges_close_over_what_is_left_out() -> None:
    flow = flow_of(spec())

    assert names(flow) == ["question", "retriever", "extractive", "answer"]
    assert edges(flow) == {
        "question.question > retriever.question",
        "question.history > retriever.history",
        "question.question > extractive.question",
        "question.history > extractive.history",
        "retriever.passages > extractive.passages",
        "extractive.answer > answer.answer",
        "retriever.passages > answer.passages",
    }


def test_everything_at_once() -> None:
    flow = flow_of(spec(model=MODEL, guardrails=RULES, knowledge__rerank=RERANK))

    assert names(flow) == [
        "question", "guard-input", "retriever", "rerank", "prompt", "llm", "guard-output", "answer",
    ]  # fmt: skip
    assert edges(flow) >= {
        "question.question > guard-input.text",
        "guard-input.text > retriever.question",
        "retriever.passages > rerank.passages",
        "rerank.passages > prompt.passages",
        "rerank.passages > answer.passages",
        "llm.answer > guard-output.answer",
        "guard-output.answer > answer.answer",
    }
    assert not any(one.startswith("question.") and "guard-input" not in one for one in edges(flow))


@pytest.mark.parametrize("application", sorted(blueprints()))
@pytest.mark.parametrize("guardrails", [{}, RULES])
@pytest.mark.parametrize("knowledge", [{}, {"collections": ["a"], "rerank": RERANK}])
@pytest.mark.parametrize(
    "speech", [{}, {"recognition": MODEL, "synthesis": MODEL}], ids=["silent", "speaking"]
)
def test_every_blueprint_can_run_with_every_condition(
    application: str, guardrails: dict[str, Any], knowledge: dict[str, Any], speech: dict[str, Any]
) -> None:
    if application == "audio-chat" and not speech:
        speech = {"recognition": MODEL}
    parts = {"application": application, "model": MODEL, "speech": speech}
    whole = ProjectSpec.model_validate(
        {
            "metadata": {"name": "p"},
            "spec": parts | {"guardrails": guardrails, "knowledge": knowledge},
        }
    )

    plan = make_plan(build_graph(whole, KINDS))

    guarded = {"guardrail-in", "guardrail-out"} & {task.component for task in plan.tasks.values()}
    assert guarded == ({"guardrail-in", "guardrail-out"} if guardrails else set())


def test_settings_reach_the_nodes() -> None:
    graph = build_graph(
        spec(model=MODEL, guardrails=RULES, knowledge__rerank=RERANK, knowledge__retrieve={"diversity": 0.3, "min_score": 0.2}),
        KINDS,
    )  # fmt: skip

    assert graph.node("rerank").adapter == "rerank-opea"
    assert graph.node("rerank").params == {"server": "tei", "model": "", "top_n": 2}
    assert graph.node("retriever").params["diversity"] == 0.3
    assert graph.node("retriever").params["min_score"] == 0.2
    assert graph.node("guard-input").params["rules"][0]["kind"] == "pii"
    assert graph.node("guard-output").params["rules"][0]["connection"] == "guard"
    assert graph.connections() == ("guard", "local", "tei")


def test_a_flow_like_the_blueprints_need_not_be_written() -> None:
    whole = spec()
    usual = flow_of(whole)
    shuffled = Flow(nodes=usual.nodes[::-1], edges=usual.edges[::-1])

    assert is_blueprint(whole, shuffled)
    assert not is_blueprint(whole, Flow(nodes=usual.nodes, edges=usual.edges[1:]))
    changed = usual.nodes[1].model_copy(update={"params": {"k": 9}})
    assert not is_blueprint(whole, Flow(nodes=(usual.nodes[0], changed, *usual.nodes[2:]), edges=usual.edges))  # fmt: skip
    assert not is_blueprint(assign(whole, {"application": "custom"}), usual)


def test_a_blueprint_follows_the_settings() -> None:
    whole = spec()
    usual = expand(blueprints()["qna"], whole.spec)

    assert not is_blueprint(assign(whole, {"model": MODEL}), usual)


def test_a_flow_of_ones_own_wins() -> None:
    own = Flow(
        nodes=(FlowNode(id="q", component="chat-input"), FlowNode(id="a", component="chat-output")),
        edges=(edge("q.question", "a.answer"),),
    )

    assert flow_of(assign(spec(), {"flow": own.model_dump(mode="json", by_alias=True)})) == own


# canonical form


def test_the_hash_of_a_spec_of_the_first_release_stays() -> None:
    whole = ProjectSpec.model_validate(
        {"metadata": {"name": "hr"}, "spec": {"application": "qna", "knowledge": {"collections": ["a"]}}}
    )  # fmt: skip

    text = canonical_json(whole).decode()
    assert not any(
        f'"{key}"' in text
        for key in ("speech", "languages", "summary", "guardrails", "flow", "layout", "rerank", "diversity", "min_score")
    )  # fmt: skip
    assert sha256(whole) == FIRST_RELEASE


FIRST_RELEASE = "6e6e5cead5f7439ef0c782e7ebe92420e75f1a0369ce35832482c2cb570ea484"
"""Of the spec above, as the first release made it."""


@pytest.mark.parametrize(
    "change",
    [
        {"guardrails.input": [{"kind": "pii"}]},
        {"knowledge.rerank.connection": "tei"},
        {"knowledge.retrieve.diversity": 0.5},
        {"knowledge.retrieve.min_score": 0.5},
        {"languages.target": "German"},
        {"summary.words": 99},
        {"speech.synthesis.voice": "alloy"},
    ],
)
def test_a_later_part_counts_once_it_is_set(change: dict[str, Any]) -> None:
    changed = assign(spec(), change)

    assert sha256(changed) != sha256(spec())
    back = {key: None if key.endswith("connection") else _default(key) for key in change}
    assert sha256(assign(changed, back)) == sha256(spec())


def _default(key: str) -> Any:
    return {"input": [], "diversity": 0, "min_score": 0, "target": "", "words": 150, "voice": ""}[
        key.rpartition(".")[2]
    ]


def test_where_nodes_stand_is_no_part_of_the_hash() -> None:
    moved = assign(spec(), {"layout": {"llm": {"x": 10, "y": 20}}})

    assert sha256(moved) == sha256(spec())


@pytest.mark.parametrize("kind", ["pgvector", "redis", "qdrant", "milvus"])
@pytest.mark.parametrize("application", ["qna", "audio-chat", "code-gen"])
def test_a_store_outside_is_on_the_way_from_documents_to_the_search(
    application: str, kind: str
) -> None:
    changes = {
        "spec.knowledge.collections": ["hr"],
        "spec.knowledge.store": {"kind": kind, "connection": "vectors"},
        "spec.speech.recognition": {"connection": "local", "name": "whisper"},
        "spec.model": MODEL,
    }
    made = project_for(application, changes)
    graph = build_graph(made, KINDS | {"vectors": kind})

    components = {node.id: node.component for node in graph.nodes}
    assert components["vector-store"] == f"vector-store-{kind}"
    assert edges(flow_of(made)) >= {
        "dataprep.chunks > embedding.chunks",
        "embedding.vectors > vector-store.vectors",
        "vector-store.index > retriever.index",
    }
    assert graph.node("vector-store").params == {"server": "vectors"}
    assert "vectors" in graph.connections()
    make_plan(graph)


def test_the_studios_own_index_is_not_drawn() -> None:
    drawn = flow_of(spec(knowledge__store={"kind": "embedded"}))

    assert drawn == flow_of(spec())
    assert not {"dataprep", "embedding", "vector-store"} & set(names(drawn))


def test_a_store_that_nothing_is_kept_in_is_not_drawn() -> None:
    store = {"kind": "redis", "connection": "vectors"}

    assert names(flow_of(spec(knowledge__collections=[], knowledge__store=store, model=MODEL))) == [
        "question", "prompt", "llm", "answer",
    ]  # fmt: skip


def test_a_store_at_its_default_leaves_the_hash() -> None:
    assert sha256(spec(knowledge__store={"kind": "embedded"})) == sha256(spec())
    assert b'"store"' not in canonical_json(spec())
    assert sha256(spec(knowledge__store={"kind": "redis"})) != sha256(spec())


def test_a_file_judged_alone_takes_a_store_for_what_its_node_needs() -> None:
    changes = {"knowledge__store": {"kind": "milvus", "connection": "vectors"}}
    graph = build_graph(spec(**changes))

    assert graph.node("vector-store").adapter == "vector-store"
