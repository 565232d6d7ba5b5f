"""What is set and does nothing is said, once, where it is set."""

from __future__ import annotations

from typing import Any

from apps.projects.domain.findings import Finding
from apps.projects.domain.ignored import ignored_findings
from apps.projects.domain.spec import FlowNode
from apps.runtime.adapters.vision import LVM_MOST_TOKENS
from tests.apps.projects.specs import project_for
from tests.apps.projects.test_flow_findings import EDGES, flow, spec

KINDS = {"local": "openai", "opea": "opea"}
OPEA = {"spec.model": {"connection": "opea", "name": "llama"}}
LOCAL = {"spec.model": {"connection": "local", "name": "llama"}}


def said(application: str, kinds: dict[str, str] | None = KINDS, **changes: Any) -> list[tuple]:
    return told(ignored_findings(project_for(application, changes), kinds))


def told(found: Any) -> list[tuple]:
    rows: list[Finding] = list(found)
    assert {one.severity for one in rows} <= {"info"}
    return [(one.code, ".".join(map(str, one.path))) for one in rows]


def test_what_a_project_begins_with_is_not_mentioned() -> None:
    for application in ("qna", "summarizer", "translation", "code-gen"):
        assert said(application) == []
        assert said(application, **OPEA) == []


def test_top_k_at_opeas_text_generation() -> None:
    changes = OPEA | {"spec.parameters.top_k": 5, "spec.parameters.top_p": 0.5}
    found = list(ignored_findings(project_for("translation", changes), KINDS))

    assert told(found) == [("spec.setting.ignored", "spec.parameters.top_k")]
    assert found[0].message == (
        "“Top-k” (top_k) is not used by llm (Language model by OPEA's service). Nothing else reads it, "
        "so it does nothing."
    )
    assert said("translation", **LOCAL, **{"spec.parameters.top_k": 5}) == []


def test_summaries_say_what_they_do_not_heed() -> None:
    wishes = {
        "spec.summary": {"strategy": "refine", "words": 40},
        "spec.instruction": "For the board.",
    }

    assert said("summarizer", **OPEA, **wishes) == [
        ("spec.setting.ignored", "spec.summary.words"),
        ("spec.setting.ignored", "spec.instruction"),
    ]
    assert said("summarizer", **wishes) == [
        ("spec.setting.ignored", "spec.summary.strategy"),
        ("spec.setting.ignored", "spec.instruction"),
    ]
    assert said("summarizer", **LOCAL, **wishes) == []


def test_settings_of_a_model_where_quotes_answer() -> None:
    found = list(ignored_findings(project_for("qna", {"spec.parameters.temperature": 1}), KINDS))

    assert told(found) == [("spec.setting.ignored", "spec.parameters.temperature")]
    assert "Language model is not part of what runs with these settings" in found[0].message


def test_a_picture_is_described_in_so_many_tokens_at_most() -> None:
    longer = {"spec.parameters.max_tokens": LVM_MOST_TOKENS + 1}

    assert said("visual-chat", **OPEA, **longer) == [
        ("spec.setting.limited", "spec.parameters.max_tokens")
    ]
    assert said("visual-chat", **LOCAL, **longer) == []


def test_a_nodes_own_setting_is_said_at_the_node() -> None:
    own = flow(llm={"server": "opea", "model": "m", "top_k": 9})
    found = list(ignored_findings(spec(own), KINDS))

    assert [one.path for one in found] == [("spec", "flow", "nodes", 2, "params", "top_k")]
    assert found[0].message.startswith("llm: Language model by OPEA's service does not use “Top-k”")


def test_one_of_two_models_that_heeds_it_is_enough_to_say_less() -> None:
    second = FlowNode(id="second", component="llm", params={"server": "opea", "model": "m"})
    own = flow(edges=(*EDGES, "prompt.messages > second.messages"))
    both = own.model_copy(update={"nodes": (*own.nodes, second)})
    found = list(ignored_findings(spec(both, parameters={"top_k": 9}), KINDS))

    assert [one.message for one in found] == [
        "“Top-k” (top_k) is not used by second (Language model by OPEA's service)."
    ]


def test_kinds_that_are_unknown_are_not_guessed() -> None:
    assert said("translation", None, **OPEA, **{"spec.parameters.top_k": 5}) == []
