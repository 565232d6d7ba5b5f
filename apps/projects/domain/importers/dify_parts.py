"""What Dify's forms and graphs have in common: models, retrieval, prompts, what an app offers besides."""

from __future__ import annotations

import re
from typing import Any, Final

from apps.projects.domain.importers.notes import Notes
from apps.projects.domain.importers.sketch import Element, Feed, Sketch, mapping, slug
from apps.projects.domain.shape import Path
from apps.projects.domain.yaml_nodes import short

VARIABLE: Final = re.compile(r"\{\{#?([^{}#]{1,200})#?\}\}")
"""A reference in a prompt: {{place}} or {{#node.field#}}."""


def ranking(
    sketch: Sketch, element: Element, config: dict[str, Any], path: Path, notes: Notes
) -> list[Feed]:
    """top_k, threshold and reranking, as forms and retrieval nodes have them."""
    if (top_k := config.get("top_k")) is not None:
        element.put("k", top_k, (*path, "top_k"))
    if config.get("score_threshold_enabled") and config.get("score_threshold") is not None:
        element.put("min_score", config["score_threshold"], (*path, "score_threshold"))
    model = notes.block(config.get("reranking_model"), (*path, "reranking_model"))
    name = model.get("reranking_model_name") or model.get("model")
    if not name or config.get("reranking_enable") is False:
        return [Feed(element.id)]
    place = (*path, "reranking_model")
    provider = model.get("reranking_provider_name") or model.get("provider")
    rerank = sketch.add(Element(f"{element.id}-rerank", "rerank", place, "Reranking"))
    rerank.feeds = [Feed(element.id)]
    rerank.put("model", notes.text(name, place, 200), place)
    rerank.put("server", _provider(provider, place, notes), place)
    if (top_k := config.get("top_k")) is not None:
        rerank.put("top_n", top_k, (*path, "top_k"))
    return [Feed(rerank.id)]


def _provider(value: Any, path: Path, notes: Notes) -> str:
    """ "langgenius/openai/openai" is the provider openai."""
    return slug(notes.text(value, path, 200).rpartition("/")[2], "models")


def model_settings(element: Element, value: Any, path: Path, notes: Notes) -> None:
    model = notes.block(value, path)
    name = notes.text(model.get("name"), (*path, "name"), 200)
    if name:
        element.put("model", name, (*path, "name"))
    element.put("server", _provider(model.get("provider"), (*path, "provider"), notes), path)
    given = notes.block(model.get("completion_params"), (*path, "completion_params"))
    for key, item in given.items():
        place = (*path, "completion_params", key)
        target = mapping("dify")["params"].get(key)
        if target:
            element.put(target, item, place)
        elif item not in (None, "", [], {}):
            message = f"{short(key)} ({short(notes.secrets.scrub(str(item)))}) has no counterpart."
            notes.left_out(place, f"{message} It is left out.")


def left_tool(tool: Any, path: Path, notes: Notes) -> None:
    block = notes.block(tool, path)
    name = notes.text(block.get("tool_label") or block.get("tool_name"), path, 80)
    if block.get("enabled", True):
        notes.left_out(path, f"The tool “{name or 'without a name'}” of Dify's does not run here.")


def left_features(sketch: Sketch, config: dict[str, Any], path: Path, notes: Notes) -> None:
    for key, why in mapping("dify")["features"].items():
        value = config.get(key)
        on = value.get("enabled") if isinstance(value, dict) else value
        if on and on not in ([], {}):
            notes.left_out((*path, key), f"{key} is left out. {why}")
    _moderation(sketch, config, (*path, "sensitive_word_avoidance"), notes)


def _moderation(sketch: Sketch, config: dict[str, Any], path: Path, notes: Notes) -> None:
    """Words that must not be spoken about become guardrails; other kinds ask a server of Dify's."""
    moderation = notes.block(config.get("sensitive_word_avoidance"), path)
    if not moderation.get("enabled"):
        return
    inner = notes.block(moderation.get("config"), (*path, "config"))
    keywords = notes.text(inner.get("keywords"), (*path, "config", "keywords"))
    words = [word.strip()[:200] for word in keywords.split("\n") if word.strip()][:500]
    if moderation.get("type") != "keywords" or not words:
        kind = short(moderation.get("type", "unknown"))
        notes.left_out(path, f"Moderation by {kind} is left out. Add guardrails for it.")
        return
    for side, key in (("input", "inputs_config"), ("output", "outputs_config")):
        block = notes.block(inner.get(key), (*path, "config", key))
        if block.get("enabled"):
            place = (*path, "config", key)
            said = notes.text(block.get("preset_response"), (*place, "preset_response"), 500)
            rail = {"kind": "topic", "action": "block", "words": words, "message": said}
            sketch.settings[f"guardrails.{side}"] = [rail], place
            notes.carried(place, f"{len(words)} words are a guardrail of the {side}.")


def plain_prompt(text: str, path: Path, notes: Notes) -> str:
    """A prompt with the names of variables for their values: the studio's own prompt puts those in."""
    if not VARIABLE.search(text):
        return text
    names = ", ".join(dict.fromkeys(short(one.strip(), 30) for one in VARIABLE.findall(text)[:20]))
    notes.changed(
        path,
        f"The prompt puts in variables ({names}). The instruction has their names instead; question "
        "and passages are put in by the prompt here.",
    )
    return VARIABLE.sub(lambda found: found.group(1).rpartition(".")[2].strip(), text).strip()
