"""OPEA's GMConnector resources."""

from __future__ import annotations

import pytest

from apps.projects.domain.importers.importing import import_text
from apps.projects.domain.validate import findings
from tests.apps.projects.importers.samples import FOLDER, edges, imported, nodes, said

CONNECTOR = """\
apiVersion: gmc.opea.io/v1alpha3
kind: GMConnector
metadata: {name: small}
spec:
  routerConfig: {name: router, serviceName: router-service}
  nodes:
"""


def test_models_come_from_the_servers_that_steps_call() -> None:
    spec = imported("gmc-qna.yaml").spec

    assert spec is not None
    assert (spec.spec.model.connection, spec.spec.model.name) == (
        "tgi-svc",
        "Intel/neural-chat-7b-v3-3",
    )
    assert spec.spec.knowledge.rerank.name == "BAAI/bge-reranker-base"
    assert spec.spec.knowledge.embedding.connection == "tei-embed-svc"
    assert spec.spec.knowledge.collections == ("pier-docs",)


def test_speech_goes_to_its_own_settings() -> None:
    spec = imported("gmc-audio.yaml").spec

    assert spec is not None
    assert spec.spec.speech.recognition.name == "openai/whisper-small"
    assert spec.spec.speech.synthesis.connection == "speech-svc"
    assert spec.spec.model.connection == "tgi-svc"


def test_a_resource_that_the_webhook_rejects_is_said_to_be_one() -> None:
    result = imported("gmc-picture.yaml")

    (message,) = said(result, "import.broken")
    assert "its admission webhook rejects this resource" in message
    assert "a model that sees pictures" in message


def test_several_documents_name_what_is_left() -> None:
    result = imported("gmc-several.yaml")

    left = said(result, "import.left-out")
    assert "A Namespace “words” is in the file, too. The package has its own resources." in left
    assert "The file holds another GMConnector, “codegen”. It becomes a project of its own." in left
    assert all(note.line >= 5 for note in result.notes)


def test_a_step_without_a_model_leaves_it_open() -> None:
    text = (
        CONNECTOR
        + "    root: {routerType: Sequence, steps: [{name: Llm, internalService: {serviceName: a}}]}"
    )

    result = import_text(text)

    assert result.spec is not None
    assert (result.spec.spec.model.connection, result.spec.spec.model.name) == ("a", "")
    assert any("names no model" in one for one in said(result, "import.to-do"))


def test_an_external_service_becomes_a_connection() -> None:
    text = (
        CONNECTOR
        + "    root: {routerType: Sequence, steps: [{name: Llm, externalService: 'https://llm.example/v1/chat'}]}"
    )

    result = import_text(text)

    assert result.spec is not None
    assert result.spec.spec.model.connection == "llm-example"
    assert any(
        "It calls https://llm.example/v1/chat" in one for one in said(result, "import.to-do")
    )


def test_nodes_that_lead_nowhere_or_in_a_circle() -> None:
    text = CONNECTOR + (
        "    root: {routerType: Sequence, steps: [{name: Llm, nodeName: modles}, {name: Llm, nodeName: models}]}\n"
        "    models: {routerType: Sequence, steps: [{name: Llm, internalService: {serviceName: a}}, {name: Llm, nodeName: root}]}\n"
    )

    broken = said(import_text(text), "import.broken")

    assert "There is no node “modles”. Did you mean models? It is left out." in broken
    assert "“root” leads back to itself. It is left out." in broken


def test_jumps_do_not_multiply_without_end() -> None:
    rows = [
        f"    n{n}: {{routerType: Ensemble, steps: [{{name: Llm, nodeName: n{n + 1}}}, {{name: Llm, nodeName: n{n + 1}}}]}}"
        for n in range(18)
    ]
    rows[0] = rows[0].replace("n0:", "root:")
    rows += [
        "    n18: {routerType: Sequence, steps: [{name: Llm, internalService: {serviceName: a}}]}"
    ]

    result = import_text(CONNECTOR + "\n".join(rows))

    assert result.spec is None
    assert result.notes[0].code == "import.too-large"


def test_wrong_types_are_named_and_left_out() -> None:
    result = import_text(CONNECTOR + "    root: {routerType: Chain, steps: {name: Llm}}")

    assert result.spec is None or result.spec.spec.application == "custom"
    broken = said(result, "import.broken")
    assert "routerType is Chain, not Sequence, Ensemble, Switch. Read as Sequence." in broken
    assert "steps must be a list. It is left out." in broken


def test_two_services_of_one_name() -> None:
    text = (
        (FOLDER / "gmc-qna.yaml")
        .read_text(encoding="utf-8")
        .replace("serviceName: rerank-svc", "serviceName: llm-svc")
    )

    assert any("GMC refuses that" in one for one in said(import_text(text), "import.broken"))


def test_a_condition_on_the_request_is_a_rule_about_its_field() -> None:
    result = imported("gmc-switch.yaml")
    assert result.spec
    assert result.spec.spec.flow
    (switch,) = [one for one in result.spec.spec.flow.nodes if one.component == "switch"]

    assert switch.params == {"by": "pattern", "field": "model-id", "first": [r"^\s*quick\s*$"]}
    assert not [one for one in said(result, "import.to-do") if "model-id" in one]


def test_a_switch_that_asks_for_two_fields_keeps_one() -> None:
    steps = ", ".join(
        f'{{name: Llm, condition: "{condition}", internalService: {{serviceName: s{at}}}}}'
        for at, condition in enumerate(("a==1", "b==2", "a.c == 'x y'", "none of these", "d==4"))
    )
    text = CONNECTOR + f"    root: {{routerType: Switch, steps: [{steps}]}}"
    result = import_text(text)
    assert result.spec
    assert result.spec.spec.flow
    (switch,) = [one for one in result.spec.spec.flow.nodes if one.component == "switch"]
    told = "\n".join([*said(result, "import.to-do"), *said(result, "import.changed")])

    assert switch.params["field"] == "a"
    assert switch.params["first"] == [r"^\s*1\s*$"]
    assert "“b==2”: It asks for b, and this switch looks at a." in told
    assert "“a.c == 'x y'”: It asks for a.c" in told
    assert "The condition “none of these” cannot be read." in told
    assert "“d==4” is not looked at: it takes all that is left." in told


def test_each_of_several_connectors_can_be_chosen() -> None:
    text = (FOLDER / "gmc-several.yaml").read_text(encoding="utf-8")
    first, second = import_text(text), import_text(text, resource="codegen")
    wrong = import_text(text, resource="summary")

    assert (first.resource, first.others) == ("translation", ("codegen",))
    assert (second.resource, second.others) == ("codegen", ("translation",))
    assert second.spec
    assert second.spec.metadata.name == "codegen"
    assert "The file holds another GMConnector, “translation”." in "".join(
        said(second, "import.left-out")
    )
    assert wrong.spec is None
    assert wrong.notes[0].message == (
        "There is no “summary” in the file. It holds: translation, codegen."
    )


def test_guardrails_of_a_resource_are_those_of_the_project() -> None:
    text = CONNECTOR + (
        "    root: {routerType: Sequence, steps: [{name: Guardrails, internalService: {serviceName: guard}}, "
        "{name: Llm, internalService: {serviceName: a}}]}"
    )

    spec = import_text(text).spec

    assert spec is not None
    assert spec.spec.application == "qna"
    assert [(one.kind, one.connection) for one in spec.spec.guardrails.input] == [("opea", "guard")]


def test_a_switch_and_two_models_are_wired_and_joined() -> None:
    result = imported("gmc-switch.yaml")

    assert result.spec is not None
    assert findings(result.spec) == []
    assert nodes(result)["models"] == "switch"
    assert {
        "models.first > prompt.question",
        "models.otherwise > deep-svc-prompt.question",
        "quick-svc.answer > join.first",
        "deep-svc.answer > join.second",
        "join.answer > answer.answer",
    } <= edges(result)


def test_a_store_that_no_step_feeds_is_that_of_the_retriever() -> None:
    text = (FOLDER / "gmc-qna.yaml").read_text(encoding="utf-8")
    again = """\
      - name: Llm
        internalService: {serviceName: second-svc, config: {TGI_LLM_ENDPOINT: tgi-svc}}
      - name: Tgi
"""
    result = import_text(text.replace("      - name: Tgi\n", again, 1))

    found = nodes(result)
    assert (found["prep-svc"], found["store-svc"]) == ("dataprep", "vector-store-redis")
    assert found["llm-svc-text"] == "answer-text"
    assert {
        "prep-svc.chunks > embed-svc.chunks",
        "embed-svc.vectors > store-svc.vectors",
        "store-svc.index > retrieve-svc.index",
    } <= edges(result)
    assert result.spec is not None
    assert findings(result.spec) == []


@pytest.mark.parametrize(
    ("service", "kind"),
    [
        ("store-svc", "redis"),
        ("my-qdrant", "qdrant"),
        ("milvus-db", "milvus"),
        ("pgvector", "pgvector"),
    ],
)
def test_the_name_of_a_store_says_its_kind(service: str, kind: str) -> None:
    text = (FOLDER / "gmc-qna.yaml").read_text(encoding="utf-8").replace("store-svc", service)
    spec = import_text(text).spec

    assert spec is not None
    assert (spec.spec.knowledge.store.kind, spec.spec.knowledge.store.connection) == (kind, service)
