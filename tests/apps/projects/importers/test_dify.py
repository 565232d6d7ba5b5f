"""Dify's DSL: apps with a form and apps with a graph."""

from __future__ import annotations

from typing import Any

import pytest

from apps.projects.domain.importers.dify import sketch_dify
from apps.projects.domain.importers.document import Document
from apps.projects.domain.importers.importing import import_text
from apps.projects.domain.importers.notes import Notes
from apps.projects.domain.importers.sketch import Element, Feed, Sketch
from apps.projects.domain.validate import findings
from tests.apps.projects.importers.samples import FOLDER, edges, imported, nodes, said


def test_a_chat_app_is_qna_with_its_settings() -> None:
    spec = imported("dify-chat.yml").spec

    assert spec is not None
    assert (spec.metadata.name, spec.metadata.title) == ("canoe-desk", "Canoe desk")
    assert (spec.spec.model.connection, spec.spec.model.name) == ("openai", "gpt-4o-mini")
    assert (spec.spec.parameters.temperature, spec.spec.parameters.max_tokens) == (0.4, 800)
    assert (spec.spec.knowledge.retrieve.k, spec.spec.knowledge.retrieve.min_score) == (5, 0.4)
    assert spec.spec.knowledge.rerank.name == "rerank-multilingual-v3.0"


def test_words_not_to_be_spoken_about_are_a_guardrail() -> None:
    spec = imported("dify-chat.yml").spec

    assert spec is not None
    (rail,) = spec.spec.guardrails.input
    assert (rail.kind, rail.words) == ("topic", ("lawsuit", "refund fraud"))
    assert rail.message == "Please call our office about that."
    assert spec.spec.guardrails.output == ()


def test_what_an_app_offers_besides_is_listed() -> None:
    left = " ".join(said(imported("dify-chat.yml"), "import.left-out"))

    for word in ("opening_statement", "text_to_speech", "“place”", "frequency_penalty"):
        assert word in left


def test_variables_of_a_prompt_leave_their_names() -> None:
    spec = imported("dify-chat.yml").spec

    assert spec is not None
    assert spec.spec.instruction.startswith("You help guests of place to choose a canoe.")


def test_a_completion_app_is_read_like_a_chat() -> None:
    text = (
        (FOLDER / "dify-chat.yml")
        .read_text(encoding="utf-8")
        .replace("mode: chat\n  name: Canoe", "mode: completion\n  name: Canoe")
    )

    result = import_text(text)

    assert result.spec == imported("dify-chat.yml").spec


def test_tools_of_an_agent_are_listed() -> None:
    result = imported("dify-agent.yml")

    assert "The tool “Wikipedia search” of Dify's does not run here." in said(
        result, "import.left-out"
    )
    assert not any("Clock" in note.message for note in result.notes)


def test_an_agent_without_tools_is_a_conversation() -> None:
    text = (
        (FOLDER / "dify-agent.yml")
        .read_text(encoding="utf-8")
        .replace("enabled: true\n      provider_name", "enabled: false\n      provider_name")
    )

    result = import_text(text)

    assert result.spec is not None
    assert result.spec.spec.application == "qna"


def test_a_graph_keeps_both_models_with_their_own_instructions() -> None:
    result = imported("dify-advanced-chat.yml")

    assert result.spec is not None
    found = nodes(result)
    assert found["patient-model"] == "llm"
    assert "patient-model.answer > answer.answer" in edges(result) or "join" in found.values()


def test_what_a_graph_cannot_keep_is_listed() -> None:
    left = said(imported("dify-advanced-chat.yml"), "import.left-out")

    for beginning in (
        "“Count words”",
        "A note on the canvas",
        "The answer adds words",
        "The variable “CRM_TOKEN”",
    ):
        assert any(one.startswith(beginning) for one in left), beginning


def test_several_answers_come_together() -> None:
    changed = said(imported("dify-advanced-chat.yml"), "import.changed")

    assert any(one.startswith("“Answer 2”: A flow ends once here") for one in changed)


def test_a_graph_that_is_a_chain_is_an_application() -> None:
    text = """\
app: {name: Chain, mode: advanced-chat}
kind: app
workflow:
  graph:
    nodes:
    - {id: a, data: {type: start, title: Start}}
    - {id: b, data: {type: knowledge-retrieval, title: Find, retrieval_mode: multiple, multiple_retrieval_config: {top_k: 3}}}
    - {id: c, data: {type: llm, title: Write, model: {name: m, provider: p}}}
    - {id: d, data: {type: answer, title: Say, answer: '{{#c.text#}}'}}
    edges:
    - {source: a, target: b}
    - {source: b, target: c}
    - {source: c, target: d}
"""

    result = import_text(text)

    assert result.spec is not None
    assert (result.spec.spec.application, result.spec.spec.flow) == ("qna", None)
    assert result.spec.spec.knowledge.retrieve.k == 3
    assert result.spec.spec.knowledge.collections == ("chain",)


def test_wrong_types_everywhere() -> None:
    text = "app: {name: [1], mode: workflow, description: {a: b}}\nworkflow: {graph: {nodes: {a: 1}, edges: 7}, features: []}"

    broken = said(import_text(text), "import.broken")

    assert "nodes must be a list. It is left out." in broken
    assert "edges must be a list. It is left out." in broken
    assert "features must be a block of keys. It is left out." in broken


def drawn(node: dict[str, Any], *handles: str) -> Sketch:
    """A sketch of start > node > one model per handle."""
    models = [
        {"id": f"m{at}", "data": {"type": "llm", "title": f"M{at}"}} for at, _ in enumerate(handles)
    ]
    edges = [{"source": "s", "target": "n"}]
    edges += [
        {"source": "n", "sourceHandle": one, "target": f"m{at}"} for at, one in enumerate(handles)
    ]
    nodes = [
        {"id": "s", "data": {"type": "start"}},
        {"id": "n", "data": {"title": "Part", **node}},
        *models,
    ]
    app = {"app": {"mode": "workflow"}, "workflow": {"graph": {"nodes": nodes, "edges": edges}}}
    sketch = sketch_dify([app], Notes(Document(app)))
    assert sketch is not None
    return sketch


def part(sketch: Sketch) -> Element:
    return sketch.elements["part"]


def case(operator: str, value: str, case_id: str = "true") -> dict[str, Any]:
    condition = {
        "comparison_operator": operator,
        "value": value,
        "variable_selector": ["sys", "query"],
    }
    return {"case_id": case_id, "conditions": [condition]}


@pytest.mark.parametrize(
    ("operator", "rule", "by", "way"),
    [
        ("contains", "boat", None, "first"),
        ("not contains", "boat", None, "otherwise"),
        ("is", r"^\s*boat\s*$", "pattern", "first"),
        ("≠", r"^\s*boat\s*$", "pattern", "otherwise"),
        ("start with", r"^\s*boat", "pattern", "first"),
        ("end with", r"boat\s*$", "pattern", "first"),
    ],
)
def test_conditions_become_rules_of_a_switch(
    operator: str, rule: str, by: str | None, way: str
) -> None:
    sketch = drawn({"type": "if-else", "cases": [case(operator, "boat")]}, "true", "false")

    assert (part(sketch).role, part(sketch).params.get("by")) == ("switch", by)
    assert part(sketch).params["first"] == [rule]
    assert sketch.elements["m0"].feeds == [Feed("part", way)]
    assert sketch.elements["m1"].feeds == [
        Feed("part", "first" if way == "otherwise" else "otherwise")
    ]


def test_words_beside_a_pattern_become_one() -> None:
    cases = [case("contains", "a.b", "one"), case("start with", "c", "two")]

    sketch = drawn({"type": "if-else", "cases": cases}, "one", "two", "false")

    assert part(sketch).params["first"] == [r"a\.b"]
    assert part(sketch).params["second"] == [r"^\s*c"]
    assert sketch.elements["m2"].feeds == [Feed("part", "otherwise")]


def test_one_of_several_conditions_is_one_rule_each() -> None:
    several = case("contains", "boat") | {"logical_operator": "or"}
    several["conditions"] = [*several["conditions"], *case("contains", "canoe")["conditions"]]

    sketch = drawn({"type": "if-else", "cases": [several]}, "true")

    assert part(sketch).params["first"] == ["boat", "canoe"]


def several(operator: str, *conditions: tuple[str, str], field: str = "") -> dict[str, Any]:
    rows = [
        {
            "comparison_operator": given,
            "value": value,
            "variable_selector": ["s", field] if field else ["sys", "query"],
        }
        for given, value in conditions
    ]
    return {"case_id": "true", "logical_operator": operator, "conditions": rows}


@pytest.mark.parametrize(
    ("operator", "conditions", "together", "way"),
    [
        ("and", [("contains", "boat"), ("contains", "red")], ["first"], "first"),
        ("or", [("contains", "boat"), ("contains", "red")], None, "first"),
        ("and", [("not contains", "boat"), ("not contains", "red")], None, "otherwise"),
        ("or", [("not contains", "boat"), ("not contains", "red")], ["first"], "otherwise"),
    ],
)
def test_several_conditions_hold_together_or_one_of_them(
    operator: str, conditions: list[tuple[str, str]], together: list[str] | None, way: str
) -> None:
    case = several(operator, *conditions)
    sketch = drawn({"type": "if-else", "cases": [case]}, "true", "false")

    assert part(sketch).params["first"] == ["boat", "red"]
    assert part(sketch).params.get("together") == together
    assert sketch.elements["m0"].feeds == [Feed("part", way)]


def test_an_opposite_among_several_cases_is_one() -> None:
    cases = [
        several("and", ("contains", "boat"), ("contains", "red")),
        several("and", ("not contains", "canoe"), ("not contains", "oar")) | {"case_id": "two"},
    ]
    sketch = drawn({"type": "if-else", "cases": cases}, "true", "two", "false")

    assert part(sketch).params["together"] == ["first"]
    assert part(sketch).params["unless"] == ["second"]
    assert part(sketch).params["second"] == ["canoe", "oar"]


def test_what_is_and_is_not_in_one_case_leaves_a_note() -> None:
    case = several("and", ("contains", "boat"), ("not contains", "red"))
    app = {"type": "if-else", "cases": [case]}

    assert part(drawn(app, "true")).params["first"] == ["boat"]
    assert "together" not in part(drawn(app, "true")).params


def test_the_last_class_takes_what_fits_no_other() -> None:
    classes = [
        {"id": "a", "name": "Boats"},
        {"id": "b", "name": "Piers"},
        {"id": "c", "name": "Rest"},
    ]

    sketch = drawn({"type": "question-classifier", "classes": classes}, "a", "b", "c")

    assert part(sketch).role == "classifier"
    assert (part(sketch).params["first"], part(sketch).params["second"]) == ("Boats", "Piers")
    assert [sketch.elements[f"m{at}"].feeds[0].branch for at in range(3)] == [
        "first",
        "second",
        "otherwise",
    ]


def test_more_ways_than_there_are_leave_the_rest() -> None:
    cases = [case("contains", f"w{at}", f"c{at}") for at in range(6)]

    sketch = drawn({"type": "if-else", "cases": cases}, *(f"c{at}" for at in range(6)), "false")

    assert sketch.elements["m3"].feeds == [Feed("part", "fourth")]
    assert sketch.elements["m5"].feeds == []
    assert sketch.elements["m6"].feeds == [Feed("part", "otherwise")]


@pytest.mark.parametrize("name", ["dify-advanced-chat.yml", "dify-workflow.yml", "dify-agent.yml"])
def test_a_graph_has_no_findings_of_its_own(name: str) -> None:
    spec = imported(name).spec

    assert spec is not None
    assert findings(spec) == []


def test_ways_of_a_classifier_come_together_in_one_question() -> None:
    result = imported("dify-workflow.yml")

    assert nodes(result)["sort-questions"] == "router"
    assert {"weather-service.text", "sort-questions.otherwise"} == {
        one.partition(" > ")[0] for one in edges(result) if " > join-text." in one
    }


def test_moderation_of_a_graph_stands_in_its_flow() -> None:
    text = (FOLDER / "dify-workflow.yml").read_text(encoding="utf-8")
    text += (
        "  features:\n    sensitive_word_avoidance:\n      enabled: true\n      type: keywords\n"
        "      config: {keywords: storm, inputs_config: {enabled: true}, outputs_config: {enabled: true}}\n"
    )

    result = import_text(text)

    assert result.spec is not None
    assert findings(result.spec) == []
    assert "question.question > guard-input.text" in edges(result)
    assert "guard-output.answer > answer.answer" in edges(result)


def test_a_request_is_a_tool_below_a_connection() -> None:
    spec = imported("dify-workflow.yml").spec

    assert spec is not None
    assert spec.spec.flow is not None
    tool = next(one for one in spec.spec.flow.nodes if one.component == "http-tool")
    assert tool.params == {"method": "GET", "server": "weather-example", "path": "/v1/now?city=Ulm"}


def test_an_agent_keeps_how_often_it_may_ask() -> None:
    spec = imported("dify-agent.yml").spec

    assert spec is not None
    assert spec.spec.flow is not None
    (agent,) = [one for one in spec.spec.flow.nodes if one.component == "agent"]
    assert agent.params == {"max_steps": 7}
    assert spec.spec.instruction == "Look it up before you answer."


CHAIN = """
app: {mode: workflow, name: Chain}
kind: app
version: 0.3.0
workflow:
  graph:
    nodes:
    - {id: s, data: {type: start, title: Start, variables: [{variable: q, type: paragraph}]}}
    - id: a
      data:
        {type: llm, title: Draft, model: {provider: p, name: m, mode: chat},
         prompt_template: [{role: system, text: Write.}, {role: user, text: "{{#s.q#}}"}]}
    - id: b
      data:
        {type: llm, title: Check, model: {provider: p, name: m2, mode: chat},
         prompt_template: [{role: system, text: Check.}, {role: user, text: "{{#a.text#}}"}]}
    - {id: e, data: {type: end, title: End, outputs: [{variable: o, value_selector: [b, text]}]}}
    edges:
    - {source: s, target: a}
    - {source: a, target: b}
    - {source: b, target: e}
"""


def test_a_model_reads_what_another_one_wrote() -> None:
    result = import_text(CHAIN)

    assert {
        "draft.answer > draft-text.answer",
        "draft-text.text > check-prompt.question",
        "check.answer > answer.answer",
    } <= edges(result)
    assert result.spec is not None
    assert findings(result.spec) == []
