"""Flows to look at: one version's, and what changed from one to another."""

from __future__ import annotations

from typing import Any

from apps.projects.domain.canvas import (
    Drawing,
    all_renamed,
    changes,
    document,
    drawing_of,
    net_of,
)
from apps.projects.domain.canvas_catalog import catalog_of
from apps.projects.domain.diff import node_changes
from apps.projects.domain.renames import renames
from apps.projects.domain.spec import FlowEdge, ProjectSpec


def shown(spec: ProjectSpec) -> dict[str, Any]:
    """The document of a flow that cannot be edited, with what its drawing needs of the catalog."""
    return {**document(spec), **catalog_of(spec), "editable": False}


def compared(old: ProjectSpec, new: ProjectSpec) -> dict[str, Any]:
    """The new flow together with what it lost, and marks: added, removed or changed, changed nodes with
    the changes in words. Where nodes stand is no change."""
    before, after = drawing_of(old), drawing_of(new)
    names = renames(net_of(before), net_of(after))
    before = all_renamed(before, names)
    gone = [node for name, node in before.nodes.items() if name not in after.nodes]
    lost = [one for one in before.edges if one not in after.edges]
    kept = {node.id: before.layout[node.id] for node in gone if node.id in before.layout}
    values = shown(new)
    return {
        **values,
        "nodes": [*values["nodes"], *(node.model_dump(mode="json") for node in gone)],
        "edges": [*values["edges"], *(one.model_dump(by_alias=True) for one in lost)],
        "layout": values["layout"] | {name: at.model_dump() for name, at in kept.items()},
        "marks": {
            "nodes": _node_marks(before, after, names),
            "edges": _edge_marks(before, after, lost),
        },
    }


def same_flow(old: ProjectSpec, new: ProjectSpec) -> bool:
    before, after = drawing_of(old), drawing_of(new)
    return all(op.op == "move" for op in changes(before, after))


def _node_marks(
    before: Drawing, after: Drawing, names: dict[str, str]
) -> dict[str, dict[str, Any]]:
    marks: dict[str, dict[str, Any]] = {}
    called = {now: [f"Renamed from {was}."] for was, now in names.items()}
    for name, node in after.nodes.items():
        if name not in before.nodes:
            marks[name] = {"mark": "added", "notes": []}
        elif said := [*called.get(name, ()), *node_changes(before.nodes[name], node)]:
            marks[name] = {"mark": "changed", "notes": said}
    for name in before.nodes:
        if name not in after.nodes:
            marks[name] = {"mark": "removed", "notes": []}
    return marks


def _edge_marks(before: Drawing, after: Drawing, lost: list[FlowEdge]) -> dict[str, str]:
    added = {_key(one): "added" for one in after.edges if one not in before.edges}
    return added | {_key(one): "removed" for one in lost}


def _key(one: FlowEdge) -> str:
    return f"{one.source} > {one.target}"
