"""Dify's DSL: apps with a form and apps with a graph."""

from __future__ import annotations

from apps.projects.domain.importers.importing import import_text
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
