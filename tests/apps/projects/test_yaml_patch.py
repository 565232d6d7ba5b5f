"""Saving into a file in place: what did not change keeps every character."""

from __future__ import annotations

import difflib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.projects.domain.canvas import (
    AddNode,
    Connect,
    Move,
    Op,
    RemoveNode,
    Rename,
    Retitle,
    SetParam,
    edited,
)
from apps.projects.domain.spec import FlowNode, Position, ProjectSpec, edge
from apps.projects.domain.yaml_io import merge, parse
from apps.projects.errors import SpecRefused

TEXT = """\
# A flow that somebody wrote by hand.
apiVersion: genai.studio/v1
kind:   'Project'   # odd but theirs
metadata: {name: drawn, title: "Drawn"}
spec:
  application: custom
  instruction: >-
    Answer in
    one sentence.
  flow:
    # what works
    nodes:
      - id: question   # what people type
        component: chat-input
      # the words for the model
      - id: prompt
        component: prompt
        params:
          # careful: legal has read this
          instruction: |
            Be kind.

            Be brief.
          # up to here
      - id: llm
        component: llm
        params: {temperature: 0.50}   # low
      - {id: answer, component: chat-output}
    edges:
      - from: question.question
        to: prompt.question
      - {from: prompt.messages, to: llm.messages}
      # out
      - from: llm.answer
        to: answer.answer
  layout:
    question: {x: 0, y: 0}
    prompt:
      x: 300   # beside it
      y: 0
# the end
"""


def spec() -> ProjectSpec:
    made, found = parse(TEXT)
    assert made is not None, found
    return made


def changed(*ops: Op) -> list[str]:
    wanted = edited(spec(), ops)
    text = merge(TEXT, wanted)
    assert parse(text) == (wanted, [])
    lines = difflib.unified_diff(TEXT.splitlines(), text.splitlines(), n=0, lineterm="")
    return [line for line in lines if re.match(r"[-+](?![-+])", line)]


def test_a_move_changes_two_numbers() -> None:
    assert changed(Move(id="prompt", to=Position(x=16, y=24))) == [
        "-      x: 300   # beside it",
        "-      y: 0",
        "+      x: 16   # beside it",
        "+      y: 24",
    ]


def test_lines_that_end_as_on_windows_stay_so() -> None:
    text = TEXT.replace("\n", "\r\n")
    wanted = edited(spec(), [Move(id="prompt", to=Position(x=16, y=0))])

    assert merge(text, wanted) == text.replace("x: 300   # beside", "x: 16   # beside")


def test_a_setting_changes_in_brackets() -> None:
    assert changed(SetParam(id="llm", name="temperature", value=1.5)) == [
        "-        params: {temperature: 0.50}   # low",
        "+        params: {temperature: 1.5}   # low",
    ]


def test_a_node_goes_with_its_lines_and_no_others() -> None:
    assert changed(RemoveNode(id="llm")) == [
        "-      - id: llm",
        "-        component: llm",
        "-        params: {temperature: 0.50}   # low",
        "-      - {from: prompt.messages, to: llm.messages}",
        "-      - from: llm.answer",
        "-        to: answer.answer",
    ]


def test_a_node_comes_at_its_place_with_its_edge() -> None:
    node = FlowNode(id="other", component="llm", params={"temperature": 1})

    assert changed(
        AddNode(node=node, at=2), Connect(edge=edge("prompt.messages", "other.messages"), at=0)
    ) == [
        "+      - id: other",
        "+        component: llm",
        "+        params:",
        "+          temperature: 1",
        "+      - from: prompt.messages",
        "+        to: other.messages",
    ]


def test_a_renamed_node_keeps_its_lines_and_comments() -> None:
    assert changed(Rename(id="question", to="asked")) == [
        "-      - id: question   # what people type",
        "+      - id: asked   # what people type",
        "-      - from: question.question",
        "+      - from: asked.question",
        "-    question: {x: 0, y: 0}",
        "+    asked:",
        "+      x: 0",
        "+      y: 0",
    ]


def test_the_first_title_of_a_node_follows_its_settings() -> None:
    assert changed(Retitle(id="prompt", title="Words: all")) == ["+        title: 'Words: all'"]


def test_a_folded_text_is_read_without_marks_of_the_parser() -> None:
    assert spec().spec.instruction == "Answer in one sentence."


def test_a_list_in_another_order_moves_what_it_must() -> None:
    node = FlowNode(id="question", component="chat-input")

    assert changed(RemoveNode(id="question"), AddNode(node=node)) == [
        "-      - id: question   # what people type",
        "-        component: chat-input",
        "+      - id: question",
        "+        component: chat-input",
        "-      - from: question.question",
        "-        to: prompt.question",
        "-    question: {x: 0, y: 0}",
    ]


names = st.sampled_from(["question", "prompt", "llm", "answer", "a", "b-2"])
ports = st.builds("{}.{}".format, names, st.sampled_from(["question", "messages", "answer"]))
texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
values = st.one_of(
    st.integers(-9, 9),
    st.booleans(),
    texts,
    st.lists(texts, max_size=2),
)
ops = st.one_of(
    st.builds(AddNode, node=st.builds(FlowNode, id=names, component=st.just("llm"), params=st.dictionaries(st.sampled_from(["x", "y"]), values, max_size=2)), at=st.one_of(st.none(), st.integers(0, 5))),
    st.builds(RemoveNode, id=names),
    st.builds(Rename, id=names, to=names),
    st.builds(Retitle, id=names, title=texts),
    st.builds(SetParam, id=names, name=st.sampled_from(["temperature", "instruction", "x"]), value=values),
    st.builds(Connect, edge=st.builds(edge, ports, ports), at=st.one_of(st.none(), st.integers(0, 5))),
    st.builds(Move, id=names, to=st.one_of(st.none(), st.builds(Position, x=st.integers(-99, 99), y=st.integers(-99, 99)))),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(ops, min_size=1, max_size=8))
def test_whatever_was_drawn_is_what_the_file_says(drawn: list[Op]) -> None:
    wanted = spec()
    for op in drawn:
        try:
            wanted = edited(wanted, [op])
        except SpecRefused:
            continue
    text = merge(TEXT, wanted)

    assert parse(text) == (wanted, [])
    assert merge(text, wanted) == text
    assert text.startswith("# A flow that somebody wrote by hand.\n")


@pytest.mark.parametrize(
    "text",
    [
        "a:\n  b:  #&a\n    |2\n\nc: d\n",
        "x:\n- #a\n\n  # b\n\n\n- ? #c\n  : #d\n",
        " #>? \n   |2 #'!|2---",
    ],
)
def test_comments_where_the_round_trip_expects_none(text: str) -> None:
    assert parse(text)[0] is None
