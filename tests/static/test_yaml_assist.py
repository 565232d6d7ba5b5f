"""What the YAML editor proposes and explains, by its own modules in node against the real schema."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from apps.projects.domain.schema import json_schema
from studio.assets import _node
from tests.servers.environment import PROJECT

SCRIPT = """
import { readFileSync } from "node:fs";
import { explanation, proposals } from "./static/js/yaml/assist.js";
import { Schema } from "./static/js/yaml/schema.js";
const { schema, values, cases } = JSON.parse(readFileSync(0, "utf8"));
const known = new Schema(schema, values);
const answers = cases.map((marked) => {
  const offset = marked.indexOf("|");
  const text = marked.slice(0, offset) + marked.slice(offset + 1);
  const found = proposals(known, text, offset, true);
  const told = explanation(known, text, offset);
  return { options: found && found.options.map((one) => one.apply), from: found && offset - found.from, told };
});
console.log(JSON.stringify(answers));
"""
VALUES = {
    "spec.model.connection": ["builtin", "local"],
    "spec.knowledge.collections": ["handbook"],
    "spec.flow.nodes.component": ["chat-input", "llm"],
}
HEAD = (
    "apiVersion: genai.studio/v1\nkind: Project\nmetadata: {name: a}\nspec:\n  application: qna\n"
)


def assist(*marked: str) -> list[dict[str, Any]]:
    """Answers for texts in which | marks the cursor."""
    request = {"schema": json_schema(), "values": VALUES, "cases": marked}
    done = subprocess.run(
        [_node()[0], "--input-type=module", "-e", SCRIPT],
        input=json.dumps(request),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    texts = {
        "top": "|",
        "block": f"{HEAD}  parameters:\n    temperature: 0.2\n    |",
        "value": f"{HEAD}  knowledge:\n    retrieve:\n      mode: h|",
        "boolean": f"{HEAD}  deployment:\n    features:\n      api: |",
        "owned": f"{HEAD}  model:\n    connection: |",
        "flow list": f"{HEAD}  knowledge:\n    collections: [a, h|",
        "list item": f"{HEAD}  knowledge:\n    collections:\n      - |",
        "node": f"{HEAD}  flow:\n    nodes:\n      - id: a\n        component: |",
        "guardrail": f"{HEAD}  guardrails:\n    input:\n      - kind: pii\n        |",
        "comment": f"{HEAD}  # par|",
        "unknown": f"{HEAD}  nonsense:\n    |",
        "hover": f"{HEAD}  parameters:\n    temp|erature: 0.2\n",
    }
    return dict(zip(texts, assist(*texts.values()), strict=True))


def test_keys_of_the_file(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["top"]["options"] == ["apiVersion: ", "kind: ", "metadata:", "spec:"]


def test_keys_of_a_block_that_are_not_there_yet(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["block"]["options"] == ["top_p: ", "top_k: ", "max_tokens: "]


def test_choices(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["value"]["options"] == ["hybrid", "dense", "lexical"]
    assert answers["value"]["from"] == 1
    assert answers["boolean"]["options"] == ["true", "false"]


def test_names_of_the_owners_things(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["owned"]["options"] == ["builtin", "local"]
    assert answers["flow list"]["options"] == ["handbook"]
    assert answers["list item"]["options"] == ["handbook"]
    assert answers["node"]["options"] == ["chat-input", "llm"]


def test_keys_inside_list_items(answers: dict[str, dict[str, Any]]) -> None:
    assert "action: " in answers["guardrail"]["options"]
    assert "kind: " not in answers["guardrail"]["options"]


def test_nothing_in_comments_and_unknown_blocks(answers: dict[str, dict[str, Any]]) -> None:
    assert answers["comment"]["options"] is None
    assert answers["unknown"]["options"] is None


def test_hover_names_the_place_the_range_and_the_effect(
    answers: dict[str, dict[str, Any]],
) -> None:
    told = answers["hover"]["told"]

    assert told["title"] == "spec.parameters.temperature"
    assert told["facts"] == "a number, 0 to 2, default 0.2"
    assert told["about"] == "0 is the same every time."
