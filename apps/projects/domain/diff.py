"""What changed between two specs, in words. Where nodes stand on the canvas is no change."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from apps.projects.domain.blueprints import flow_of
from apps.projects.domain.renames import Net, renamed, renames
from apps.projects.domain.spec import Flow, FlowNode, ProjectSpec
from apps.projects.domain.yaml_io import plain
from apps.projects.domain.yaml_nodes import short

LABELS = {
    "metadata.name": "Name",
    "metadata.title": "Title",
    "metadata.description": "Description",
    "metadata.tags": "Tag",
    "spec.application": "Application",
    "spec.model.connection": "Model connection",
    "spec.model.name": "Model",
    "spec.parameters.temperature": "Temperature",
    "spec.parameters.top_p": "Top-p",
    "spec.parameters.top_k": "Top-k",
    "spec.parameters.max_tokens": "Max response tokens",
    "spec.instruction": "System instruction",
    "spec.starters": "Starter question",
    "spec.knowledge.collections": "Collection",
    "spec.knowledge.chunk.size": "Chunk size",
    "spec.knowledge.chunk.overlap": "Chunk overlap",
    "spec.knowledge.embedding.connection": "Embedding connection",
    "spec.knowledge.embedding.name": "Embedding model",
    "spec.knowledge.retrieve.mode": "Retrieval mode",
    "spec.knowledge.retrieve.k": "Passages per question",
    "spec.knowledge.retrieve.diversity": "Diversity of passages",
    "spec.knowledge.retrieve.min_score": "Least similarity",
    "spec.knowledge.rerank.connection": "Reranking connection",
    "spec.knowledge.rerank.name": "Reranking model",
    "spec.knowledge.rerank.top_n": "Passages kept after reranking",
    "spec.knowledge.store.kind": "Vector store",
    "spec.knowledge.store.connection": "Vector store connection",
    "spec.speech.recognition.connection": "Speech recognition connection",
    "spec.speech.recognition.name": "Speech recognition model",
    "spec.speech.synthesis.connection": "Speech synthesis connection",
    "spec.speech.synthesis.name": "Speech synthesis model",
    "spec.speech.synthesis.voice": "Voice",
    "spec.languages.source": "Source language",
    "spec.languages.target": "Target language",
    "spec.summary.strategy": "Summary strategy",
    "spec.summary.words": "Summary length (words)",
    "spec.guardrails.input": "Input guardrail",
    "spec.guardrails.output": "Output guardrail",
    "spec.evaluation.gates": "Gate",
    "spec.deployment.os": "Operating system",
    "spec.deployment.location": "Location",
    "spec.deployment.topology": "Topology",
    "spec.deployment.formats": "Package format",
    "spec.deployment.features.registration": "Sign-up in the portal",
    "spec.deployment.features.api": "API of the portal",
    "spec.deployment.features.uploads": "Uploads in the portal",
    "spec.deployment.knowledge.include": "Knowledge in the package",
    "spec.deployment.resources.cpus": "CPU limit (cores)",
    "spec.deployment.resources.memory_mb": "Memory limit (MiB)",
    "spec.deployment.resources.replicas": "Web replicas",
    "spec.deployment.port": "Port",
}


def describe(old: ProjectSpec, new: ProjectSpec) -> list[str]:
    """One sentence per change, in the order of the file; empty if nothing changed."""
    before, after = dict(_leaves(_told(old))), dict(_leaves(_told(new)))
    paths = [*before, *(path for path in after if path not in before)]
    sentences: list[str] = []
    for path in paths:
        if before.get(path) != after.get(path):
            sentences += _sentences(path, before.get(path), after.get(path))
    if old.spec.flow != new.spec.flow:
        sentences += describe_flow(flow_of(old), flow_of(new))
    return sentences


def describe_flow(old: Flow, new: Flow) -> list[str]:
    """Nodes and edges that came, went or changed, one sentence each."""
    names = renames(Net(old.nodes, old.edges), Net(new.nodes, new.edges))
    said = [f"Node {was} renamed to {now}." for was, now in names.items()]
    net = renamed(Net(old.nodes, old.edges), names)
    before = {node.id: node for node in net.nodes}
    after = {node.id: node for node in new.nodes}
    said += [f"Node {name} removed." for name in before if name not in after]
    said += [
        f"Node {node.id} ({node.component}) added." for node in new.nodes if node.id not in before
    ]
    for name, node in after.items():
        if name in before:
            said += node_changes(before[name], node)
    old_edges = [f"{edge.source} to {edge.target}" for edge in net.edges]
    new_edges = [f"{edge.source} to {edge.target}" for edge in new.edges]
    said += [f"Edge from {edge} removed." for edge in old_edges if edge not in new_edges]
    return said + [f"Edge from {edge} added." for edge in new_edges if edge not in old_edges]


def node_changes(old: FlowNode, new: FlowNode) -> list[str]:
    said = []
    if old.component != new.component:
        said.append(f"Node {new.id} is a {new.component} now (was {old.component}).")
    if old.title != new.title:
        said.append(f"Node {new.id} is titled {_said(new.title or new.id)}.")
    for name in dict.fromkeys([*old.params, *new.params]):
        if name not in new.params:
            said.append(f"{new.id}.{name} is the project's again (was {_said(old.params[name])}).")
        elif name not in old.params:
            said.append(f"{new.id}.{name} set to {_said(new.params[name])}.")
        elif old.params[name] != new.params[name]:
            said.append(
                f"{new.id}.{name} changed from {_said(old.params[name])} to {_said(new.params[name])}."
            )
    return said


def _told(spec: ProjectSpec) -> dict[str, Any]:
    """The spec as plain values; its flow is told apart, layout not at all."""
    values = plain(spec)
    values["spec"].pop("layout", None)
    values["spec"].pop("flow", None)
    return values


def label(path: str) -> str:
    return LABELS.get(path) or path.removeprefix("spec.")


def _leaves(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _leaves(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


def _sentences(path: str, old: Any, new: Any) -> list[str]:
    if isinstance(old, list) or isinstance(new, list):
        return _list_changes(path, old or [], new or [])
    if isinstance(old, str) and isinstance(new, str) and ("\n" in old + new or len(old + new) > 90):
        return [_text_change(path, old, new)]
    if old in (None, "") and not isinstance(old, bool):
        return [f"{label(path)} set to {_said(new)}."]
    if new in (None, "") and not isinstance(new, bool):
        return [f"{label(path)} removed (was {_said(old)})."]
    return [f"{label(path)} changed from {_said(old)} to {_said(new)}."]


def _list_changes(path: str, old: list[Any], new: list[Any]) -> list[str]:
    removed = [f"{label(path)} {_said(item)} removed." for item in old if item not in new]
    added = [f"{label(path)} {_said(item)} added." for item in new if item not in old]
    return removed + added or [f"{label(path)} order changed."]


def _text_change(path: str, old: str, new: str) -> str:
    if not old or not new:
        return f"{label(path)} {'written' if new else 'removed'} ({len(old or new):,} characters)."
    changes = list(difflib.ndiff(old.splitlines(), new.splitlines()))
    added = sum(line.startswith("+ ") for line in changes)
    removed = sum(line.startswith("- ") for line in changes)
    return f"{label(path)} changed: {_lines(added)} added, {_lines(removed)} removed."


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        head = next((key for key in ("metric", "kind") if key in value), "")
        bounds = [f"{key} {_said(item)}" for key, item in value.items() if key != head and item]
        return f"{value.get(head, '')} ({', '.join(bounds)})"
    if isinstance(value, float):
        return f"{value:g}"
    return f"“{short(value, 60)}”" if isinstance(value, str) else str(value)
