"""The graph of a project as people draw it: its own, or its application's blueprint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from apps.catalog.domain.catalog import Blueprint, applications, blueprints, components
from apps.projects.domain.spec import Flow, FlowNode, ProjectSpec, Spec, edge

BUILTIN: Final = "builtin"
AVAILABLE: Final = tuple(row.id for row in applications() if row.available)
"""Applications that this release builds."""

STORES: Final = ("pgvector", "redis", "qdrant", "milvus")
"""Kinds of vector stores outside the studio."""


def _stored(kind: str) -> Callable[[Spec], bool]:
    return lambda spec: bool(spec.knowledge.collections) and spec.knowledge.store.kind == kind


CONDITIONS: Final[Mapping[str, Callable[[Spec], bool]]] = {
    "knowledge": lambda spec: bool(spec.knowledge.collections),
    "quoting": lambda spec: spec.model.connection == BUILTIN,
    "generating": lambda spec: spec.model.connection != BUILTIN,
    "reranking": lambda spec: bool(spec.knowledge.collections and spec.knowledge.rerank.connection),
    "storing": lambda spec: (
        bool(spec.knowledge.collections) and spec.knowledge.store.kind in STORES
    ),
    **{f"storing-{kind}": _stored(kind) for kind in STORES},
    "guarding-input": lambda spec: bool(spec.guardrails.input),
    "guarding-output": lambda spec: bool(spec.guardrails.output),
    "hearing": lambda spec: bool(spec.speech.recognition.connection),
    "speaking": lambda spec: bool(spec.speech.synthesis.connection),
}
"""What a blueprint's node may depend on."""

Edge = tuple[str, str]


def flow_of(spec: ProjectSpec) -> Flow:
    """The project's own flow, or its blueprint's for these settings; empty where there is neither."""
    if spec.spec.flow is not None:
        return spec.spec.flow
    blueprint = blueprints().get(spec.spec.application)
    return expand(blueprint, spec.spec) if blueprint else Flow()


def is_blueprint(spec: ProjectSpec, flow: Flow) -> bool:
    """Whether a flow is what the application has anyway, so that it need not be written down."""
    blueprint = blueprints().get(spec.spec.application)
    if blueprint is None:
        return False
    usual = expand(blueprint, spec.spec)
    return set(map(_key, usual.nodes)) == set(map(_key, flow.nodes)) and set(usual.edges) == set(
        flow.edges
    )


def expand(blueprint: Blueprint, spec: Spec) -> Flow:
    """The blueprint's nodes whose conditions hold. Over a node that is left out, edges close where its
    input and output have the same type; its other edges go with it."""
    kept = [row for row in blueprint.nodes if not row.when or CONDITIONS[row.when](spec)]
    names = {row.id for row in kept}
    edges: list[Edge] = [tuple(text.split(" > ")) for text in blueprint.edges]  # type: ignore[misc]
    for row in blueprint.nodes:
        if row.id not in names:
            edges = _without(row.id, row.component, edges)
    return Flow(
        nodes=tuple(
            FlowNode(id=row.id, component=row.component, params=row.params) for row in kept
        ),
        edges=tuple(edge(source, target) for source, target in edges),
    )


def _without(node: str, component: str, edges: list[Edge]) -> list[Edge]:
    """The edges without this node: each edge out of it begins where its like-typed input is fed."""
    row = components()[component]
    fed: dict[str, str] = {}
    for source, target in edges:
        name, _, port = target.partition(".")
        if name == node and (found := row.port(port)):
            fed.setdefault(found.type, source)
    left: list[Edge] = []
    for source, target in edges:
        name, _, port = source.partition(".")
        if target.partition(".")[0] == node:
            continue
        if name == node:
            found = row.port(port)
            if found and found.type in fed:
                left.append((fed[found.type], target))
        else:
            left.append((source, target))
    return list(dict.fromkeys(left))


def _key(node: FlowNode) -> str:
    return f"{node.id} {node.component} {sorted(node.params.items(), key=str)} {node.title}"
