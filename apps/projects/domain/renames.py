"""Which nodes of a flow have only got another id.

Files and drawings hold no identity besides the id, so that it is told by what stayed: the component, and
either all that the node says or its place and its edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.projects.domain.spec import FlowEdge, FlowNode


@dataclass(frozen=True, slots=True)
class Net:
    """Nodes and edges, each in the order of the file. Ids of nodes are unique."""

    nodes: Sequence[FlowNode]
    edges: Sequence[FlowEdge]


def renames(old: Net, new: Net) -> dict[str, str]:
    """New ids by old ids. Empty where the renamed nodes or edges would stand in another order."""
    before, after = {node.id for node in old.nodes}, {node.id for node in new.nodes}
    gone = [(at, node) for at, node in enumerate(old.nodes) if node.id not in after]
    come = [(at, node) for at, node in enumerate(new.nodes) if node.id not in before]
    if not gone or not come:
        return {}
    had, has = _edges_by_node(old.edges), _edges_by_node(new.edges)
    names: dict[str, str] = {}
    for at, was in gone:
        free = [(place, node) for place, node in come if node.id not in names.values()]
        free.sort(key=lambda row: row[0] != at)
        for place, now in free:
            mine, its = had.get(was.id, set()), has.get(now.id, set())
            if _same_node(was, now, mine, its, same_place=place == at):
                names[was.id] = now.id
                break
    if not names:
        return {}
    turned = renamed(old, names)
    kept = _in_order([node.id for node in turned.nodes], [node.id for node in new.nodes])
    return names if kept and _in_order(turned.edges, new.edges) else {}


def renamed(net: Net, names: Mapping[str, str]) -> Net:
    return Net(
        [node.model_copy(update={"id": names.get(node.id, node.id)}) for node in net.nodes],
        [edge_renamed(one, names) for one in net.edges],
    )


def edge_renamed(one: FlowEdge, names: Mapping[str, str]) -> FlowEdge:
    ends = [name.partition(".") for name in (one.source, one.target)]
    if not any(name in names for name, _, _ in ends):
        return one
    source, target = (f"{names.get(name, name)}.{port}" for name, _, port in ends)
    return one.model_copy(update={"source": source, "target": target})


_Edges = set[tuple[str, str, str]]
"""An edge as its node sees it: own port, direction, and the port at its other end without the node's id,
which may have changed as well."""


def _edges_by_node(edges: Iterable[FlowEdge]) -> dict[str, _Edges]:
    found: dict[str, _Edges] = {}
    for one in edges:
        (source, _, out), (target, _, into) = one.source.partition("."), one.target.partition(".")
        found.setdefault(source, set()).add((out, "to", into))
        found.setdefault(target, set()).add((into, "from", out))
    return found


def _same_node(
    was: FlowNode, now: FlowNode, mine: _Edges, its: _Edges, *, same_place: bool
) -> bool:
    if was.component != now.component:
        return False
    if (was.title, was.params) == (now.title, now.params):
        return mine == its or bool(mine & its)
    return same_place and bool(mine) and mine == its


def _in_order(old: Sequence[object], new: Sequence[object]) -> bool:
    both = set(old) & set(new)
    return [one for one in old if one in both] == [one for one in new if one in both]
