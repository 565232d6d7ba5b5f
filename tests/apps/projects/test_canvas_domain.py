"""Operations on a flow: each does what it says, any sequence keeps the shape, every state can be undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.catalog.domain.catalog import components
from apps.projects.domain.canvas import (
    Op,
    Rename,
    changes,
    document,
    drawing_of,
    edited,
    free_id,
    read_ops,
    seen,
)
from apps.projects.domain.diff import describe
from apps.projects.domain.spec import ProjectSpec, edge
from apps.projects.domain.validate import findings
from apps.projects.domain.yaml_io import merge, parse, starter
from apps.projects.errors import SpecRefused


def custom() -> ProjectSpec:
    spec, _ = parse(starter("custom", "flow"))
    assert spec is not None
    return spec


def done(*ops: dict[str, Any], spec: ProjectSpec | None = None) -> ProjectSpec:
    return edited(spec or custom(), read_ops(list(ops)))


def ids(spec: ProjectSpec) -> list[str]:
    return list(drawing_of(spec).nodes)


def edges(spec: ProjectSpec) -> list[str]:
    return [f"{one.source} > {one.target}" for one in drawing_of(spec).edges]


def test_add_puts_a_node_at_its_place() -> None:
    node = {"id": "second", "component": "llm"}

    assert ids(done({"op": "add", "node": node, "at": 1})) == [
        "question",
        "second",
        "prompt",
        "llm",
        "answer",
    ]


def test_remove_takes_edges_and_position_along() -> None:
    moved = done({"op": "move", "id": "llm", "to": {"x": 1, "y": 2}})
    left = done({"op": "remove", "id": "llm"}, spec=moved)

    assert ids(left) == ["question", "prompt", "answer"]
    assert edges(left) == [
        "question.question > prompt.question",
        "question.history > prompt.history",
    ]
    assert left.spec.layout == {}


def test_params_are_set_and_given_back_to_the_project() -> None:
    put = done({"op": "set", "id": "llm", "name": "top_k", "value": 5})
    back = done({"op": "reset", "id": "llm", "name": "top_k"}, spec=put)

    assert drawing_of(put).nodes["llm"].params == {"top_k": 5}
    assert back == custom()


def test_rename_takes_edges_and_position_along() -> None:
    moved = done({"op": "move", "id": "llm", "to": {"x": 1, "y": 2}})
    renamed = done({"op": "rename", "id": "llm", "to": "writer"}, spec=moved)

    assert ids(renamed) == ["question", "prompt", "writer", "answer"]
    assert edges(renamed)[-2:] == [
        "prompt.messages > writer.messages",
        "writer.answer > answer.answer",
    ]
    assert list(renamed.spec.layout) == ["writer"]


def test_a_new_id_is_one_operation_there_and_back() -> None:
    before = done({"op": "move", "id": "llm", "to": {"x": 1, "y": 2}})
    after = done(
        {"op": "rename", "id": "llm", "to": "writer"},
        {"op": "rename", "id": "prompt", "to": "words"},
        spec=before,
    )

    assert changes(drawing_of(before), drawing_of(after)) == [
        Rename(id="prompt", to="words"),
        Rename(id="llm", to="writer"),
    ]
    assert edited(after, changes(drawing_of(after), drawing_of(before))) == before
    assert describe(before, after) == [
        "Node prompt renamed to words.",
        "Node llm renamed to writer.",
    ]


def test_a_new_id_and_a_new_setting_are_told_apart() -> None:
    after = done(
        {"op": "rename", "id": "llm", "to": "writer"},
        {"op": "set", "id": "writer", "name": "top_k", "value": 5},
    )

    assert describe(custom(), after) == ["Node llm renamed to writer.", "writer.top_k set to 5."]


def test_another_node_in_its_place_is_no_new_id() -> None:
    after = done(
        {"op": "remove", "id": "llm"}, {"op": "add", "node": {"id": "other", "component": "llm"}}
    )

    assert describe(custom(), after)[:2] == ["Node llm removed.", "Node other (llm) added."]


def test_an_order_is_undone_too() -> None:
    after = done(
        {"op": "remove", "id": "prompt"},
        {"op": "add", "node": {"id": "prompt", "component": "prompt"}},
    )

    assert ids(after) == ["question", "llm", "answer", "prompt"]
    assert edited(after, changes(drawing_of(after), drawing_of(custom()))) == custom()


def test_paste_gives_free_ids_and_keeps_inner_edges_only() -> None:
    flow = custom().spec.flow
    assert flow is not None
    nodes = [node.model_dump() for node in flow.nodes[1:3]]
    lines = [one.model_dump(by_alias=True) for one in flow.edges]
    pasted = done(
        {"op": "paste", "nodes": nodes, "edges": lines, "layout": {"llm": {"x": 8, "y": 8}}}
    )

    assert ids(pasted)[-2:] == ["prompt-2", "llm-2"]
    assert edges(pasted)[-1] == "prompt-2.messages > llm-2.messages"
    assert len(edges(pasted)) == 5
    assert list(pasted.spec.layout) == ["llm-2"]


@pytest.mark.parametrize(
    ("op", "reason"),
    [
        ({"op": "remove", "id": "x"}, "There is no node x."),
        ({"op": "add", "node": {"id": "llm", "component": "llm"}}, "There is a node llm already."),
        ({"op": "reset", "id": "llm", "name": "top_k"}, "llm sets no top_k."),
        ({"op": "rename", "id": "llm", "to": "prompt"}, "There is a node prompt already."),
        (
            {"op": "connect", "edge": {"from": "llm.answer", "to": "answer.answer"}},
            "llm.answer is connected to answer.answer already.",
        ),
        (
            {"op": "disconnect", "edge": {"from": "llm.answer", "to": "prompt.question"}},
            "llm.answer is not connected to prompt.question.",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_number(op: dict[str, Any], reason: str) -> None:
    with pytest.raises(SpecRefused) as raised:
        done({"op": "title", "id": "llm", "title": "A"}, op)

    assert raised.value.findings[0].message == reason
    assert raised.value.findings[0].path == ("ops", 1)


def test_ids_are_counted_up() -> None:
    assert free_id("llm", {"a"}) == "llm"
    assert free_id("llm", {"llm"}) == "llm-2"
    assert free_id("llm-2", {"llm", "llm-2"}) == "llm-3"
    assert len(free_id("a" * 63, {"a" * 63})) <= 63


def test_nodes_that_share_an_id_are_all_kept() -> None:
    spec, _ = parse(starter("custom", "flow").replace("id: answer", "id: llm"))
    assert spec is not None

    assert ids(spec) == ["question", "prompt", "llm", "llm-2"]


def test_document_places_findings_and_is_json() -> None:
    spec = done({"op": "set", "id": "llm", "name": "top_k", "value": "many"})
    shown = document(spec, findings(spec))

    found = next(row for row in shown["findings"] if row["code"] == "spec.flow.param")
    assert (found["node"], found["param"]) == ("llm", "top_k")
    assert json.loads(json.dumps(shown))["seen"] == seen(spec)


def test_the_fingerprint_changes_with_flow_and_layout_only() -> None:
    spec = custom()
    other = spec.model_copy(update={"metadata": spec.metadata.model_copy(update={"title": "B"})})

    assert seen(other) == seen(spec)
    assert seen(done({"op": "move", "id": "llm", "to": {"x": 1, "y": 1}})) != seen(spec)
    assert seen(done({"op": "title", "id": "llm", "title": "B"})) != seen(spec)


# Any sequence -------------------------------------------------------------------------------------

NAMES = st.sampled_from(["question", "prompt", "llm", "answer", "llm-2", "x", "y-1"])
PORTS = st.sampled_from(["question", "messages", "answer", "passages", "history"])
ENDS = st.builds("{}.{}".format, NAMES, PORTS)
EDGES = st.builds(edge, ENDS, ENDS).map(lambda one: one.model_dump(by_alias=True))
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=9)
"""What can be stored."""
VALUES = st.none() | st.booleans() | st.integers(-9, 9) | TEXTS | st.just(["a"])
PLACES = st.fixed_dictionaries({"x": st.integers(-999, 999), "y": st.integers(-999, 999)})
NODES = st.fixed_dictionaries(
    {"id": NAMES, "component": st.sampled_from([*components(), "no-such"])},
    optional={"title": TEXTS, "params": st.dictionaries(PORTS, VALUES, max_size=2)},
)
AT = st.none() | st.integers(0, 9)
OPS = st.one_of(
    st.fixed_dictionaries({"op": st.just("add"), "node": NODES, "at": AT}),
    st.fixed_dictionaries({"op": st.just("remove"), "id": NAMES}),
    st.fixed_dictionaries({"op": st.just("connect"), "edge": EDGES, "at": AT}),
    st.fixed_dictionaries({"op": st.just("disconnect"), "edge": EDGES}),
    st.fixed_dictionaries({"op": st.just("move"), "id": NAMES, "to": st.none() | PLACES}),
    st.fixed_dictionaries({"op": st.just("set"), "id": NAMES, "name": PORTS, "value": VALUES}),
    st.fixed_dictionaries({"op": st.just("reset"), "id": NAMES, "name": PORTS}),
    st.fixed_dictionaries({"op": st.just("title"), "id": NAMES, "title": TEXTS}),
    st.fixed_dictionaries({"op": st.just("rename"), "id": NAMES, "to": NAMES}),
    st.fixed_dictionaries(
        {
            "op": st.just("paste"),
            "nodes": st.lists(NODES, min_size=1, max_size=3),
            "edges": st.lists(EDGES, max_size=3),
        }
    ),
)


def each(values: list[Any], seen_by: Callable[[ProjectSpec, Op, ProjectSpec], None]) -> ProjectSpec:
    """Do what can be done of these, one after the other."""
    spec = custom()
    for op in read_ops(values):
        try:
            after = edited(spec, [op])
        except SpecRefused:
            continue
        seen_by(spec, op, after)
        spec = after
    return spec


@settings(deadline=None, max_examples=80)
@given(st.lists(OPS, max_size=12))
def test_any_sequence_keeps_the_shape(values: list[Any]) -> None:
    spec = each(values, lambda before, op, after: None)

    again = ProjectSpec.model_validate_json(spec.model_dump_json(by_alias=True), strict=True)
    assert again == spec
    names = [node.id for node in (spec.spec.flow.nodes if spec.spec.flow else ())]
    assert len(names) == len(set(names))
    assert set(spec.spec.layout) <= set(names)
    assert isinstance(findings(spec), list)


@settings(deadline=None, max_examples=80)
@given(st.lists(OPS, max_size=10))
def test_every_operation_can_be_undone_to_the_exact_spec(values: list[Any]) -> None:
    def undone(before: ProjectSpec, op: Op, after: ProjectSpec) -> None:
        back = edited(after, changes(drawing_of(after), drawing_of(before)))
        assert back == before
        assert seen(back) == seen(before)

    each(values, undone)


@settings(deadline=None, max_examples=80)
@given(st.lists(OPS, max_size=10))
def test_any_sequence_can_be_undone_at_once(values: list[Any]) -> None:
    after = each(values, lambda before, op, after: None)

    assert edited(after, changes(drawing_of(after), drawing_of(custom()))) == custom()


@settings(deadline=None, max_examples=25)
@given(st.lists(OPS, max_size=8))
def test_what_was_drawn_survives_the_file(values: list[Any]) -> None:
    spec = each(values, lambda before, op, after: None)
    text = merge(starter("custom", "flow"), spec)

    assert parse(text)[0] == spec


@settings(deadline=None, max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["op", "id", "node", "edge", "from", "to", "at"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
def test_nothing_that_is_sent_breaks_the_reader(values: Any) -> None:
    try:
        edited(custom(), read_ops(values))
    except SpecRefused as refused:
        assert refused.findings[0].message != ""
