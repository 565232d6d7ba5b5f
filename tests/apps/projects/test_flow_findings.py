"""Findings of a flow of one's own, each at its place, and the reasons of a veto."""

from __future__ import annotations

from typing import Any

import pytest

from apps.catalog.domain.catalog import Parameter, components
from apps.projects.domain.flow_findings import flow_findings, unfit, veto
from apps.projects.domain.spec import Flow, FlowNode, ProjectSpec, edge

CHAT = {"question": "chat-input", "prompt": "prompt", "llm": "llm", "answer": "chat-output"}
EDGES = (
    "question.question > prompt.question",
    "prompt.messages > llm.messages",
    "llm.answer > answer.answer",
)
LOCAL = {"local": "openai"}


def flow(
    nodes: dict[str, str] | None = None, edges: tuple[str, ...] = EDGES, **params: Any
) -> Flow:
    """params: of nodes, by id."""
    return Flow(
        nodes=tuple(
            FlowNode(id=name, component=component, params=params.get(name, {}))
            for name, component in (CHAT if nodes is None else nodes).items()
        ),
        edges=tuple(edge(*text.split(" > ")) for text in edges),
    )


def spec(own: Flow | None, **parts: Any) -> ProjectSpec:
    values = {"application": "custom", "model": {"connection": "local", "name": "m"}} | parts
    return ProjectSpec.model_validate(
        {"metadata": {"name": "p"}, "spec": values | ({"flow": own} if own else {})}
    )


def found(own: Flow | None, kinds: dict[str, str] | None = LOCAL, **parts: Any) -> list[tuple]:
    return [(one.code, one.path) for one in flow_findings(spec(own, **parts), kinds)]


def nodes(*rest: str | int) -> tuple[str | int, ...]:
    return ("spec", "flow", "nodes", *rest)


def edges(*rest: str | int) -> tuple[str | int, ...]:
    return ("spec", "flow", "edges", *rest)


def test_a_flow_that_can_run_has_none() -> None:
    assert found(flow()) == []


def test_a_blueprint_has_none_and_an_empty_custom_flow_one() -> None:
    assert found(None, application="qna") == []
    assert found(None) == [("spec.flow.empty", ("spec", "flow"))]
    assert found(Flow()) == [("spec.flow.empty", ("spec", "flow"))]


def test_two_ends_and_no_end() -> None:
    twice = flow({**CHAT, "again": "chat-input"})
    none = flow({"question": "chat-input"}, ())

    assert found(twice) == [("spec.flow.end-twice", nodes(4))]
    assert found(none) == [("spec.flow.end-missing", ("spec", "flow"))]


def test_two_nodes_of_one_name() -> None:
    own = flow()
    own = own.model_copy(update={"nodes": (*own.nodes, FlowNode(id="llm", component="llm"))})

    assert [code for code, _ in found(own)].count("spec.flow.node-twice") == 2


def test_a_component_that_does_not_exist_is_likened() -> None:
    own = flow({**CHAT, "find": "retreiver"})

    assert found(own) == [("spec.flow.component-unknown", nodes(4, "component"))]
    assert "retriever" in flow_findings(spec(own))[0].message


def test_parameters_unknown_and_unfit() -> None:
    own = flow(llm={"temprature": 1, "top_p": 7})

    assert found(own) == [
        ("spec.flow.param-unknown", nodes(2, "params", "temprature")),
        ("spec.flow.param", nodes(2, "params", "top_p")),
    ]
    assert "temperature" in flow_findings(spec(own))[0].message


@pytest.mark.parametrize(
    ("kinds", "code"),
    [({}, "spec.connection.unknown"), ({"local": "http"}, "spec.flow.connection-missing"), (None, None)],
)  # fmt: skip
def test_a_node_runs_on_its_connection(kinds: dict[str, str] | None, code: str | None) -> None:
    assert found(flow(), kinds) == ([(code, nodes(2))] if code else [])


def test_a_connection_of_the_node_itself_is_found_there() -> None:
    own = flow(llm={"server": "nope"})

    assert found(own) == [("spec.connection.unknown", nodes(2, "params", "server"))]


def test_a_connection_of_the_nodes_own_asks_for_a_model_of_its_own() -> None:
    kinds = {"local": "openai", "other": "openai", "service": "opea"}
    alone = flow(llm={"server": "other"})
    together = flow(llm={"server": "other", "model": "mistral"})

    assert found(alone, kinds) == [("spec.flow.model-elsewhere", nodes(2))]
    assert "“other” is its own" in flow_findings(spec(alone), kinds)[0].message
    assert found(together, kinds) == found(flow(llm={"server": "local"}), kinds) == []
    assert found(flow(llm={"server": "service"}), kinds) == []


def test_edges_of_ports_that_do_not_exist_or_fit() -> None:
    wrong = (*EDGES, "question.quest > prompt.history", "question.question > prompt.passages")

    assert found(flow(edges=wrong)) == [
        ("spec.edge.port-unknown", edges(3, "from")),
        ("spec.edge.type-mismatch", edges(4)),
    ]
    assert found(flow(edges=(*EDGES, "question.question > nobody.text")))[0] == (
        "spec.edge.port-unknown",
        edges(3, "to"),
    )


def test_an_input_fed_twice_and_one_not_at_all() -> None:
    twice = flow({**CHAT, "other": "llm"}, (*EDGES, "prompt.messages > other.messages", "other.answer > answer.answer"))  # fmt: skip

    assert found(twice) == [
        ("spec.edge.input-twice", edges(2, "to")),
        ("spec.edge.input-twice", edges(4, "to")),
    ]
    assert found(flow(edges=EDGES[1:])) == [("spec.flow.input-missing", nodes(1))]


def test_a_circle_is_named_once() -> None:
    own = flow(
        {**CHAT, "one": "join-text", "two": "join-text"},
        (*EDGES, "one.text > two.first", "two.text > one.first"),
    )

    assert [code for code, _ in found(own)] == ["spec.flow.cycle"]


def test_rules_of_a_guardrail_are_looked_at_where_they_stand() -> None:
    through = ("question.question > guard.text", "guard.text > prompt.question", *EDGES[1:])
    rules = [{"kind": "topic"}, {"kind": "opea", "connection": "local"}]
    own = flow({**CHAT, "guard": "guardrail-in"}, through, guard={"rules": rules})

    assert found(own) == [
        ("spec.guardrail.words-missing", nodes(4, "params", "rules", 0, "words")),
        ("spec.guardrail.connection-kind", nodes(4, "params", "rules", 1, "connection")),
    ]


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("question.history", "prompt.history", ""),
        ("question.x", "prompt.history", "There is no output question.x."),
        ("question.history", "prompt.x", "There is no input prompt.x."),
        ("question.history", "prompt.question", "question.history gives history and prompt.question takes text."),
        ("question.question", "prompt.question", "prompt.question is fed already."),
    ],
)  # fmt: skip
def test_veto(source: str, target: str, reason: str) -> None:
    said = veto(flow(), source, target)

    assert said.startswith(reason)
    assert bool(said) == bool(reason)


def test_veto_of_a_circle_names_it() -> None:
    own = flow({"a": "join-text", "b": "join-text"}, ("a.text > b.first",))

    assert veto(own, "b.text", "a.first") == "That would run in a circle through b, a."
    assert veto(own, "b.text", "b.second") == "That would run in a circle through b."


@pytest.mark.parametrize(
    ("component", "name", "value", "words"),
    [
        ("retriever", "k", 6, ""),
        ("retriever", "k", True, "whole number"),
        ("retriever", "k", 1.5, "whole number"),
        ("retriever", "k", 0, "at least 1"),
        ("retriever", "k", 51, "at most 50"),
        ("retriever", "mode", "magic", "one of hybrid, dense, lexical"),
        ("retriever", "collections", ["a"], ""),
        ("retriever", "collections", "a", "list of texts"),
        ("llm", "model", 7, "must be text"),
        ("guardrail-in", "rules", [{"kind": "pii"}], ""),
        ("guardrail-in", "rules", [{"kind": "pii", "word": "x"}], "0.word"),
        ("guardrail-in", "rules", "pii", "Rules"),
    ],
)
def test_values_of_parameters(component: str, name: str, value: Any, words: str) -> None:
    said = unfit(components()[component].parameter(name), value)

    assert words in said
    assert bool(said) == bool(words)


def test_a_boolean_is_true_or_false() -> None:
    yes = Parameter(name="y", title="Yes", kind="boolean", default=False)

    assert unfit(yes, True) == ""
    assert unfit(yes, "true") == "Yes must be true or false, not 'true'."


def test_what_only_the_adapter_knows_is_found_before_the_build() -> None:
    through = ("question.question > way.text", "way.otherwise > prompt.question", *EDGES[1:])
    pattern = flow({**CHAT, "way": "switch"}, through, way={"by": "pattern", "first": ["("]})
    place = flow({**CHAT, "prompt": "template"}, prompt={"user": "{questoin}"})

    assert found(pattern) == [("spec.flow.param", nodes(4))]
    assert "“(” is no regular expression" in flow_findings(spec(pattern))[0].message
    assert found(place) == [("spec.flow.param", nodes(1))]
    assert "{questoin} stands for nothing" in flow_findings(spec(place))[0].message


def test_names_in_a_nodes_own_lists_exist() -> None:
    tool = {"name": "order", "connection": "shop"}
    own = flow(
        {"question": "chat-input", "find": "retriever", "agent": "agent", "answer": "chat-output"},
        (
            "question.question > find.question",
            "question.question > agent.question",
            "agent.answer > answer.answer",
            "find.passages > answer.passages",
        ),
        find={"collections": ["handbook", "legal"]},
        agent={"tools": [tool]},
    )

    assert found(own, knowledge={"collections": ["handbook"]}) == [
        ("spec.flow.collection-unknown", nodes(1, "params", "collections", 1)),
        ("spec.connection.unknown", nodes(2, "params", "tools", 0, "connection")),
    ]


def test_a_second_connection_that_a_node_names_must_exist() -> None:
    drawn = flow(
        CHAT | {"find": "retriever-opea"},
        (*EDGES, "question.question > find.question", "find.passages > answer.passages"),
        find={"server": "docs", "connection": "embd", "model": "bge"},
    )
    kinds = LOCAL | {"docs": "opea", "embed": "opea"}

    assert found(drawn, kinds) == [("spec.connection.unknown", nodes(4, "params", "connection"))]
    assert found(drawn, kinds | {"embd": "openai"}) == []
