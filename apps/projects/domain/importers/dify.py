"""Dify's DSL (version 0.1 to 0.5): `kind: app` with a model_config (chat, completion, agent-chat) or the
graph of a workflow (workflow, advanced-chat)."""

from __future__ import annotations

from typing import Any, Final

from apps.projects.domain.importers.dify_graph import sketch_graph
from apps.projects.domain.importers.dify_parts import (
    left_features,
    left_tool,
    model_settings,
    plain_prompt,
    ranking,
)
from apps.projects.domain.importers.notes import Notes
from apps.projects.domain.importers.sketch import Element, Feed, Sketch
from apps.projects.domain.shape import Path
from apps.projects.domain.yaml_nodes import short

GRAPHS: Final = ("workflow", "advanced-chat")
FORMS: Final = ("chat", "completion", "agent-chat")


def sketch_dify(values: list[Any], notes: Notes) -> Sketch | None:
    document = values[0]
    app = notes.block(document.get("app"), ("app",))
    mode = str(app.get("mode", ""))
    sketch = Sketch(
        title=notes.text(app.get("name"), ("app", "name"), 120),
        description=notes.text(app.get("description"), ("app", "description"), 2000),
    )
    if mode in GRAPHS:
        return sketch_graph(sketch, document, notes)
    if mode in FORMS:
        return _form(sketch, document, mode, notes)
    message = (
        f"app.mode is “{short(mode) or 'missing'}”; {', '.join((*FORMS, *GRAPHS))} can be read."
    )
    notes.prevents("import.dify.mode", message, ("app", "mode"))
    return None


def _form(sketch: Sketch, document: dict[str, Any], mode: str, notes: Notes) -> Sketch:
    """An app without a graph: question, passages, model, answer."""
    path: Path = ("model_config",)
    config = notes.block(document.get("model_config"), path)
    start = sketch.add(Element("question", "chat-input", ()))
    feeds = [Feed(start.id)]
    datasets = notes.block(config.get("dataset_configs"), (*path, "dataset_configs"))
    feeds = _form_retrieval(sketch, datasets, (*path, "dataset_configs"), feeds, notes)
    agent = notes.block(config.get("agent_mode"), (*path, "agent_mode"))
    tools = notes.items(agent.get("tools"), (*path, "agent_mode", "tools"))
    role = "agent" if mode == "agent-chat" and _enabled(tools) else "llm"
    model = sketch.add(Element("llm", role, path, "Model", feeds=feeds))
    if role == "agent" and agent.get("max_iteration") is not None:
        model.put("max_steps", agent["max_iteration"], (*path, "agent_mode", "max_iteration"))
    for at, tool in enumerate(tools):
        left_tool(tool, (*path, "agent_mode", "tools", at), notes)
    model_settings(model, config.get("model"), (*path, "model"), notes)
    prompt = notes.text(config.get("pre_prompt"), (*path, "pre_prompt"))
    if prompt:
        model.put(
            "instruction", plain_prompt(prompt, (*path, "pre_prompt"), notes), (*path, "pre_prompt")
        )
    _variables(config.get("user_input_form"), (*path, "user_input_form"), notes)
    left_features(sketch, config, path, notes)
    sketch.add(Element("answer", "chat-output", (), feeds=[Feed(model.id)]))
    return sketch


def _enabled(tools: list[Any]) -> bool:
    return any(isinstance(tool, dict) and tool.get("enabled", True) for tool in tools)


def _form_retrieval(
    sketch: Sketch, config: dict[str, Any], path: Path, feeds: list[Feed], notes: Notes
) -> list[Feed]:
    outer = notes.block(config.get("datasets"), (*path, "datasets"))
    rows = notes.items(outer.get("datasets"), (*path, "datasets", "datasets"))
    if not rows:
        return feeds
    element = sketch.add(Element("retriever", "retriever", (*path, "datasets"), "Knowledge"))
    element.feeds = feeds
    count = f"{len(rows)} data sets are" if len(rows) > 1 else "A data set is"
    notes.changed(
        (*path, "datasets"), f"{count} named by an id of Dify's; one collection stands for it."
    )
    return ranking(sketch, element, config, path, notes)


def _variables(value: Any, path: Path, notes: Notes) -> None:
    for at, row in enumerate(notes.items(value, path)):
        block = notes.block(row, (*path, at))
        inner = next((one for one in block.values() if isinstance(one, dict)), block)
        name = notes.text(inner.get("variable") or inner.get("label"), (*path, at), 80)
        notes.left_out(
            (*path, at),
            f"The field “{name}” has no counterpart: people write one question. Its value can stand "
            "in the instruction.",
        )
