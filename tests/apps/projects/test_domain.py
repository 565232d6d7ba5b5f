"""Canonical form, graph, comparison, edits, schema, upgrade, steps: small pure functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.catalog.domain.catalog import components
from apps.projects.domain.canonical import canonical_json, sha256
from apps.projects.domain.compile import build_graph
from apps.projects.domain.diff import describe
from apps.projects.domain.findings import Finding
from apps.projects.domain.flow import flow
from apps.projects.domain.ops import assign, assign_text, digest
from apps.projects.domain.schema import json_schema
from apps.projects.domain.spec import API_VERSION
from apps.projects.domain.steps import following, preceding, states, step_of, steps_of
from apps.projects.domain.summary import in_words
from apps.projects.domain.upgrade import upgrade
from apps.projects.domain.yaml_io import dump, parse
from apps.projects.errors import ApplicationNotAvailable, SpecRefused, VersionUnknown
from apps.runtime.graph import Graph
from apps.runtime.plan import make_plan
from tests.apps.projects.specs import TEXT, spec

GOLDEN = Path(__file__).parent / "golden"
LLM = {"connection": "local", "name": "llama"}


# canonical


def test_golden_file_of_version_1() -> None:
    made, findings = parse((GOLDEN / "v1.yaml").read_text(encoding="utf-8"))

    assert findings == []
    assert made is not None
    assert json.loads(canonical_json(made)) == json.loads(
        (GOLDEN / "v1.json").read_text(encoding="utf-8")
    )


def test_hash_is_of_the_content_not_of_the_text() -> None:
    made = parse(dump(spec()))[0]

    assert made is not None
    assert sha256(made) == sha256(spec())
    assert sha256(spec(parameters__temperature=1)) == sha256(spec(parameters__temperature=1.0))
    assert sha256(spec(deployment__port=1)) != sha256(spec())


# compile


def edges(graph: Graph) -> set[str]:
    return {f"{edge.source} > {edge.target}" for edge in graph.edges}


def test_graph_without_a_language_model_quotes() -> None:
    graph = build_graph(spec())

    assert [node.component for node in graph.nodes] == [
        "chat-input", "retriever", "extractive", "chat-output",
    ]  # fmt: skip
    assert graph.node("retriever").params == {
        "mode": "hybrid",
        "k": 6,
        "diversity": 0,
        "min_score": 0,
        "collections": [],
    }


def test_graph_with_a_language_model() -> None:
    graph = build_graph(spec(model=LLM))

    assert graph.node("llm").params == {
        "server": "local",
        "model": "llama",
        "temperature": 0.2,
        "top_p": 0.9,
        "top_k": 40,
        "max_tokens": 512,
    }
    assert "retriever.passages > prompt.passages" in edges(graph)


def test_graph_without_knowledge() -> None:
    graph = build_graph(spec(model=LLM, knowledge__collections=[]))

    assert [node.component for node in graph.nodes] == [
        "chat-input", "prompt", "llm", "chat-output",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changes", [{}, {"model": LLM}, {"model": LLM, "knowledge__collections": []}]
)
def test_graph_can_run(changes: dict[str, Any]) -> None:
    plan = make_plan(build_graph(spec(**changes)))

    assert plan.output == "answer"
    assert plan.speakers <= {"llm", "extractive"}


def test_graph_of_an_application_that_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.projects.domain.compile.AVAILABLE", ("qna",))

    with pytest.raises(ApplicationNotAvailable):
        build_graph(spec(application="custom"))


# diff


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({}, []),
        ({"parameters__temperature": 0.5}, ["Temperature changed from 0.2 to 0.5."]),
        ({"deployment__port": 9000}, ["Port changed from 8080 to 9000."]),
        ({"deployment__features__api": False}, ["API of the portal changed from on to off."]),
        (
            {"knowledge__collections": ["hr-helpdesk", "faq"]},
            ["Collection “faq” added."],
        ),
        ({"knowledge__collections": []}, ["Collection “hr-helpdesk” removed."]),
        ({"instruction": ""}, ["System instruction removed (96 characters)."]),
        ({"metadata__description": "New"}, ["Description set to “New”."]),
        (
            {"evaluation__gates": [{"metric": "recall", "min": 0.8}]},
            ["Gate recall (min 0.8) added."],
        ),
        (
            {"model": LLM},
            [
                "Model connection changed from “builtin” to “local”.",
                "Model changed from “extractive” to “llama”.",
            ],
        ),
    ],
)
def test_diff_in_words(changes: dict[str, Any], sentences: list[str]) -> None:
    assert describe(spec(), spec(**changes)) == sentences


def test_diff_of_a_long_text_counts_lines() -> None:
    old, new = spec(instruction="a\nb\nc"), spec(instruction="a\nB\nc\nd")

    assert describe(old, new) == ["System instruction changed: 2 lines added, 1 line removed."]


def test_diff_of_order() -> None:
    assert describe(
        spec(knowledge__collections=["a", "b"]), spec(knowledge__collections=["b", "a"])
    ) == ["Collection order changed."]


# ops


def test_assign_reads_values_as_yaml() -> None:
    made = assign_text(
        spec(), ["deployment.port=9000", "spec.knowledge.collections=[a, b]", "instruction="]
    )

    assert made.spec.deployment.port == 9000
    assert made.spec.knowledge.collections == ("a", "b")
    assert made.spec.instruction == ""


@pytest.mark.parametrize(
    ("assignment", "code"),
    [
        ("deployment.prt=1", "spec.key.unknown"),
        ("deployment.port.x=1", "spec.key.unknown"),
        ("deployment.port=x", "spec.value.type"),
        ("deployment.port=[", "spec.yaml.syntax"),
        ("deployment.port", "spec.assignment"),
        ("=1", "spec.assignment"),
        ("deployment=1", "spec.value.type"),
    ],
)
def test_assign_refuses_with_findings(assignment: str, code: str) -> None:
    with pytest.raises(SpecRefused) as refused:
        assign_text(spec(), [assignment])

    assert [one.code for one in refused.value.findings] == [code]


def test_assign_merges_blocks() -> None:
    made = assign(spec(), {"spec.parameters": {"top_k": 5}})

    assert (made.spec.parameters.top_k, made.spec.parameters.top_p) == (5, 0.9)


def test_digest_follows_its_parts_only() -> None:
    parts = (("spec", "model"),)

    assert digest(spec(deployment__port=1), parts) == digest(spec(), parts)
    assert digest(spec(model=LLM), parts) != digest(spec(), parts)


# schema


def test_schema_knows_every_key_and_its_limits() -> None:
    schema = json_schema("http://studio.example/projects/schema/v1.json")

    assert schema["$id"] == "http://studio.example/projects/schema/v1.json"
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"apiVersion", "metadata", "spec"}
    assert schema["$defs"]["Parameters"]["properties"]["temperature"]["maximum"] == 2


# upgrade


def test_upgrade_leaves_the_latest_alone() -> None:
    document = {"apiVersion": API_VERSION, "kind": "Project"}

    assert upgrade(document) is document


def test_upgrade_goes_step_by_step() -> None:
    def first(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "apiVersion": "v2", "b": document["a"]}

    def second(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "apiVersion": "v3", "c": document["b"]}

    old = {"apiVersion": "v1", "a": 1}
    new = upgrade(old, steps={"v1": first, "v2": second}, latest="v3")

    assert new == {"apiVersion": "v3", "a": 1, "b": 1, "c": 1}
    assert old == {"apiVersion": "v1", "a": 1}


@pytest.mark.parametrize("version", [None, 3, "genai.studio/v0", "x"])
def test_upgrade_of_an_unknown_version(version: object) -> None:
    with pytest.raises(VersionUnknown):
        upgrade({"apiVersion": version})


def test_upgrade_never_runs_in_circles() -> None:
    with pytest.raises(VersionUnknown):
        upgrade({"apiVersion": "a"}, steps={"a": lambda document: document}, latest="b")


# steps


@pytest.mark.parametrize(
    ("path", "step"),
    [
        (("metadata", "title"), "application"),
        (("spec", "application"), "application"),
        (("spec", "model", "name"), "model"),
        (("spec", "instruction"), "parameters"),
        (("spec", "knowledge", "collections", 0), "knowledge"),
        (("spec", "deployment", "port"), "deployment"),
        (("spec", "speech", "synthesis"), "speech"),
        (("spec", "guardrails", "input", 0), "safety"),
        (("spec", "evaluation", "gates", 0), "review"),
        ((), "review"),
    ],
)
def test_step_of_a_path(path: tuple[str | int, ...], step: str) -> None:
    assert step_of(path) == step


def test_states_of_the_steps() -> None:
    bad = Finding("x", "x", ("spec", "knowledge"))
    rows = states("qna", "parameters", "deployment", [bad], {"model"})

    assert [(row.step.slug, row.number, row.state) for row in rows] == [
        ("application", 1, "done"), ("model", 2, "error"), ("parameters", 3, "current"),
        ("knowledge", 4, "error"), ("safety", 5, "done"), ("deployment", 6, "todo"),
        ("review", 7, "todo"),
    ]  # fmt: skip


def test_steps_follow_each_other() -> None:
    assert (following("qna", "review"), following("qna", "model")) == ("review", "parameters")
    assert (preceding("qna", "application"), preceding("qna", "model")) == (None, "application")


@pytest.mark.parametrize(
    ("application", "own"),
    [
        ("qna", ["knowledge"]),
        ("audio-chat", ["speech", "knowledge"]),
        ("visual-chat", []),
        ("translation", ["languages"]),
        ("code-gen", ["languages"]),
        ("code-trans", ["languages"]),
        ("summarizer", ["summary"]),
        ("custom", ["knowledge"]),
    ],
)
def test_each_application_has_its_own_short_path(application: str, own: list[str]) -> None:
    path = [step.slug for step in steps_of(application)]
    shared = ["application", "model", "parameters", "safety", "deployment", "review"]

    assert [slug for slug in path if slug not in shared] == own
    assert [slug for slug in path if slug in shared] == shared
    for slug, after in zip(path, path[1:], strict=False):
        assert following(application, slug) == after
        assert preceding(application, after) == slug


# words


def test_flow_shows_what_is_missing() -> None:
    shown = flow(spec(knowledge__collections=[]))

    assert [(one.component, one.missing) for one in shown] == [
        ("chat-input", False), ("retriever", True), ("extractive", False), ("chat-output", False),
    ]  # fmt: skip


def test_summary_speaks_of_every_step() -> None:
    assert list(in_words(spec())) == [
        "application", "model", "parameters", "knowledge", "safety", "deployment",
    ]  # fmt: skip
    translating = in_words(spec(application="translation"))
    assert list(translating)[2] == "languages"
    assert "knowledge" not in translating
    assert in_words(spec(model=LLM))["model"] == [("Answers", "llama at local")]


def test_the_starter_is_the_golden_file() -> None:
    assert (GOLDEN / "v1.yaml").read_text(encoding="utf-8") == TEXT


def test_schema_explains_flows_and_offers_the_components() -> None:
    found = json_schema()["$defs"]

    assert found["FlowNode"]["properties"]["component"]["examples"] == list(components())
    for part in ("Flow", "FlowNode", "FlowEdge"):
        fields = found[part]["properties"].values()
        assert [one for one in fields if not one.get("description")] == []
