"""Lists of rules in the inspector: written and read as YAML, wrong ones refused with their line."""

from __future__ import annotations

from typing import Any

from apps.catalog.domain.catalog import components
from apps.projects.canvas_forms import InspectorForm
from apps.projects.domain.spec import FlowNode

INHERITED = {"rules": [{"kind": "pii", "action": "mask", "words": [], "message": ""}]}


def form(data: dict[str, Any] | None, **params: Any) -> InspectorForm:
    return InspectorForm(
        data,
        node=FlowNode(id="guard", component="guardrail-in", params=params),
        component=components()["guardrail-in"],
        inherited=INHERITED,
        connections={},
        models={},
        taken=set(),
    )


def typed(rules: str) -> dict[str, Any]:
    return {"id": "guard", "title": "", "p-rules": rules}


def test_rules_are_shown_as_yaml_and_stay_inherited_when_nothing_changes() -> None:
    shown = form(None)["p-rules"].value()
    bound = form(typed(shown))

    assert shown.startswith("- kind: pii\n")
    assert bound.is_valid()
    assert bound.changed_node().params == {}


def test_typed_rules_become_the_nodes_own() -> None:
    bound = form(typed("- kind: topic\n  words: [salary]\n"))

    assert bound.is_valid()
    assert bound.changed_node().params == {"rules": [{"kind": "topic", "words": ["salary"]}]}


def test_what_is_no_list_of_rules_is_refused() -> None:
    broken = form(typed("- kind: [pii"))
    unknown = form(typed("- kind: magic"))

    assert broken.errors["p-rules"][0].startswith("Line ")
    assert "0.kind" in unknown.errors["p-rules"][0]


def offered(component: str, name: str) -> list[str]:
    kinds = {"local": "openai", "docs": "opea", "shop": "http", "vectors": "qdrant"}
    form = InspectorForm(
        node=FlowNode(id="node", component=component),
        component=components()[component],
        inherited={},
        connections={one: one for one in kinds},
        models={},
        kinds=kinds,
    )
    return [value for value, _ in form.fields[f"p-{name}"].choices]


def test_connections_are_offered_where_they_can_work() -> None:
    assert offered("vector-store-qdrant", "server") == ["", "vectors"]
    assert offered("http-tool", "server") == ["", "local", "docs", "shop"]
    assert offered("llm", "server") == ["", "local", "docs"]
    assert offered("embedding", "server") == ["", "builtin", "local", "docs"]
    assert offered("retriever-opea", "server") == ["", "docs"]
    assert offered("retriever-opea", "connection") == ["", "builtin", "local", "docs"]
