"""The flow of a project as a canvas shows and edits it.

Operations are pure, from spec to spec. They keep the shape and judge nothing: whether a flow can run is
said by findings, so that every state a person has drawn can be saved, and undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from apps.projects.domain.blueprints import flow_of, is_blueprint
from apps.projects.domain.findings import Finding
from apps.projects.domain.ops import digest
from apps.projects.domain.pydantic_findings import from_validation
from apps.projects.domain.renames import Net, edge_renamed, renamed, renames
from apps.projects.domain.rising import staying
from apps.projects.domain.spec import (
    Flow,
    FlowEdge,
    FlowNode,
    Name,
    Part,
    Position,
    ProjectSpec,
)
from apps.projects.errors import SpecRefused

MOST_OPS: Final = 5_000
"""In one request: a whole flow of the largest size drawn at once is fewer."""


class AddNode(Part):
    """at: its place in the list of nodes; the end if None."""

    op: Literal["add"] = "add"
    node: FlowNode
    at: int | None = Field(default=None, ge=0)


class RemoveNode(Part):
    """Its edges and its position go with it."""

    op: Literal["remove"] = "remove"
    id: Name


class Connect(Part):
    op: Literal["connect"] = "connect"
    edge: FlowEdge
    at: int | None = Field(default=None, ge=0)


class Disconnect(Part):
    op: Literal["disconnect"] = "disconnect"
    edge: FlowEdge


class Move(Part):
    """to: None forgets where the node stands."""

    op: Literal["move"] = "move"
    id: Name
    to: Position | None


class SetParam(Part):
    op: Literal["set"] = "set"
    id: Name
    name: str = Field(min_length=1, max_length=80)
    value: JsonValue


class ResetParam(Part):
    """The node takes the project's value again."""

    op: Literal["reset"] = "reset"
    id: Name
    name: str


class Retitle(Part):
    op: Literal["title"] = "title"
    id: Name
    title: str = Field(max_length=80)


class Rename(Part):
    """Edges and position follow."""

    op: Literal["rename"] = "rename"
    id: Name
    to: Name


class Paste(Part):
    """Nodes with the edges between them. Ids that are taken get a number."""

    op: Literal["paste"] = "paste"
    nodes: tuple[FlowNode, ...] = Field(min_length=1, max_length=500)
    edges: tuple[FlowEdge, ...] = Field(default=(), max_length=2000)
    layout: dict[Name, Position] = {}


Op = Annotated[
    AddNode
    | RemoveNode
    | Connect
    | Disconnect
    | Move
    | SetParam
    | ResetParam
    | Retitle
    | Rename
    | Paste,
    Field(discriminator="op"),
]
_OPS: Final[TypeAdapter[list[Op]]] = TypeAdapter(Annotated[list[Op], Field(max_length=MOST_OPS)])


def read_ops(values: Any) -> list[Op]:
    """Raises SpecRefused for what is no list of operations."""
    try:
        return _OPS.validate_python(values)
    except ValidationError as error:
        raise SpecRefused(from_validation(error)) from error


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a canvas edits. nodes by id and edges, both in the order of the file."""

    nodes: dict[str, FlowNode]
    edges: tuple[FlowEdge, ...]
    layout: dict[str, Position]


def drawing_of(spec: ProjectSpec) -> Drawing:
    """The project's own flow or its blueprint's. Of nodes that share an id, the later get another."""
    flow = flow_of(spec)
    nodes: dict[str, FlowNode] = {}
    for node in flow.nodes:
        name = free_id(node.id, nodes)
        nodes[name] = _named(node, name) if name != node.id else node
    return Drawing(nodes, flow.edges, dict(spec.spec.layout))


def edited(spec: ProjectSpec, ops: Iterable[Op]) -> ProjectSpec:
    """The spec after these operations, in their order.

    A flow that is the blueprint's is not written down. Positions of nodes that are not there are
    dropped. Raises SpecRefused naming the first operation that cannot be done; then nothing is.
    """
    drawing = drawing_of(spec)
    for number, op in enumerate(ops):
        try:
            drawing = _DO[op.op](drawing, op)
        except _Refused as refused:
            raise SpecRefused([Finding("spec.op", str(refused), ("ops", number))]) from refused
    return _with(spec, drawing)


def changes(old: Drawing, new: Drawing) -> list[Op]:
    """Operations that lead from one drawing to the other, ordered so that each can be done.

    A node or an edge that stands in another order goes and comes again.
    """
    names = renames(net_of(old), net_of(new))
    ops: list[Op] = [Rename(id=was, to=now) for was, now in names.items()]
    old = all_renamed(old, names)
    nodes, wires = staying(tuple(old.nodes), new.nodes), staying(old.edges, new.edges)
    nodes = {name for name in nodes if old.nodes[name].component == new.nodes[name].component}
    ops += [Disconnect(edge=one) for one in old.edges if one not in wires]
    ops += [RemoveNode(id=name) for name in old.nodes if name not in nodes]
    for at, (name, node) in enumerate(new.nodes.items()):
        if name in nodes:
            ops += _node_changes(old.nodes[name], node)
        else:
            ops.append(AddNode(node=node, at=at))
    kept = {one for one in wires if all(end in nodes or end not in old.nodes for end in _ends(one))}
    ops += [Connect(edge=one, at=at) for at, one in enumerate(new.edges) if one not in kept]
    for name in dict.fromkeys([*old.layout, *new.layout]):
        before = old.layout.get(name) if name in nodes else None
        if before != new.layout.get(name) and name in new.nodes:
            ops.append(Move(id=name, to=new.layout.get(name)))
    return ops


def document(spec: ProjectSpec, found: Sequence[Finding] = ()) -> dict[str, Any]:
    """JSON-safe: nodes, edges, layout, findings at their nodes and edges, and `seen`, a fingerprint that
    changes when somebody else edits the same."""
    drawing = drawing_of(spec)
    return {
        "seen": seen(spec),
        "nodes": [node.model_dump(mode="json") for node in drawing.nodes.values()],
        "edges": [one.model_dump(mode="json", by_alias=True) for one in drawing.edges],
        "layout": {name: at.model_dump() for name, at in drawing.layout.items()},
        "blueprint": spec.spec.flow is None,
        "findings": [placed(spec, finding) for finding in found],
    }


def placed(spec: ProjectSpec, finding: Finding) -> dict[str, Any]:
    """A finding with the node or edge that it is about, "" where it is about neither."""
    row = {**finding.as_dict(), "node": "", "param": "", "edge": None}
    path = finding.path
    if path[:2] != ("spec", "flow") or len(path) < 4 or not isinstance(path[3], int):
        return row
    flow, number = flow_of(spec), path[3]
    if path[2] == "nodes" and number < len(flow.nodes):
        row["node"] = flow.nodes[number].id
        row["param"] = path[5] if len(path) > 5 and path[4] == "params" else ""
    elif path[2] == "edges" and number < len(flow.edges):
        row["edge"] = flow.edges[number].model_dump(mode="json", by_alias=True)
    return row


def seen(spec: ProjectSpec) -> str:
    """A fingerprint of what the canvas shows, whether or not it is written down."""
    drawn = flow_of(spec)
    whole = spec.model_copy(update={"spec": spec.spec.model_copy(update={"flow": drawn})})
    return digest(whole, (("spec", "flow"), ("spec", "layout")))


class _Refused(Exception):
    """The sentence says why."""


def _with(spec: ProjectSpec, drawing: Drawing) -> ProjectSpec:
    flow = Flow(nodes=tuple(drawing.nodes.values()), edges=drawing.edges)
    layout = {name: at for name, at in drawing.layout.items() if name in drawing.nodes}
    part = spec.spec.model_copy(
        update={"flow": None if is_blueprint(spec, flow) else flow, "layout": layout}
    )
    return spec.model_copy(update={"spec": part})


def _add(drawing: Drawing, op: AddNode) -> Drawing:
    if op.node.id in drawing.nodes:
        raise _Refused(f"There is a node {op.node.id} already.")
    _check_size(len(drawing.nodes) + 1, 500, "nodes")
    return replace(drawing, nodes=_inserted(drawing.nodes, op.node, op.at))


def _remove(drawing: Drawing, op: RemoveNode) -> Drawing:
    _node(drawing, op.id)
    return Drawing(
        {name: node for name, node in drawing.nodes.items() if name != op.id},
        tuple(one for one in drawing.edges if op.id not in _ends(one)),
        {name: at for name, at in drawing.layout.items() if name != op.id},
    )


def _connect(drawing: Drawing, op: Connect) -> Drawing:
    if op.edge in drawing.edges:
        raise _Refused(f"{op.edge.source} is connected to {op.edge.target} already.")
    _check_size(len(drawing.edges) + 1, 2000, "edges")
    at = len(drawing.edges) if op.at is None else op.at
    return replace(drawing, edges=(*drawing.edges[:at], op.edge, *drawing.edges[at:]))


def _disconnect(drawing: Drawing, op: Disconnect) -> Drawing:
    if op.edge not in drawing.edges:
        raise _Refused(f"{op.edge.source} is not connected to {op.edge.target}.")
    place = drawing.edges.index(op.edge)
    return replace(drawing, edges=drawing.edges[:place] + drawing.edges[place + 1 :])


def _move(drawing: Drawing, op: Move) -> Drawing:
    _node(drawing, op.id)
    layout = {name: at for name, at in drawing.layout.items() if name != op.id or op.to}
    if op.to:
        layout[op.id] = op.to
    return replace(drawing, layout=layout)


def _set(drawing: Drawing, op: SetParam) -> Drawing:
    node = _node(drawing, op.id)
    return _put(drawing, node, params={**node.params, op.name: op.value})


def _reset(drawing: Drawing, op: ResetParam) -> Drawing:
    node = _node(drawing, op.id)
    if op.name not in node.params:
        raise _Refused(f"{op.id} sets no {op.name}.")
    return _put(drawing, node, params={k: v for k, v in node.params.items() if k != op.name})


def _title(drawing: Drawing, op: Retitle) -> Drawing:
    return _put(drawing, _node(drawing, op.id), title=op.title)


def _rename(drawing: Drawing, op: Rename) -> Drawing:
    _node(drawing, op.id)
    if op.to in drawing.nodes:
        raise _Refused(f"There is a node {op.to} already.")
    return all_renamed(drawing, {op.id: op.to})


def _paste(drawing: Drawing, op: Paste) -> Drawing:
    names: dict[str, str] = {}
    for node in op.nodes:
        taken = {*drawing.nodes, *names.values()}
        names[node.id] = free_id(node.id, taken)
    nodes = dict(drawing.nodes)
    for node in op.nodes:
        nodes[names[node.id]] = _named(node, names[node.id])
    inner = [one for one in op.edges if all(end in names for end in _ends(one))]
    edges = (*drawing.edges, *(edge_renamed(one, names) for one in inner))
    _check_size(len(nodes), 500, "nodes")
    _check_size(len(edges), 2000, "edges")
    layout = {names[name]: at for name, at in op.layout.items() if name in names}
    return Drawing(nodes, tuple(dict.fromkeys(edges)), drawing.layout | layout)


_DO: Final[dict[str, Callable[[Drawing, Any], Drawing]]] = {
    "add": _add,
    "remove": _remove,
    "connect": _connect,
    "disconnect": _disconnect,
    "move": _move,
    "set": _set,
    "reset": _reset,
    "title": _title,
    "rename": _rename,
    "paste": _paste,
}


def free_id(wanted: str, taken: Iterable[str]) -> str:
    """The id, or with the first number from 2 that is free: "llm", "llm-2"."""
    used = set(taken)
    if wanted not in used:
        return wanted
    stem, _, number = wanted.rpartition("-")
    stem = (stem if stem and number.isdecimal() else wanted)[:58].rstrip("-")
    return next(name for at in range(2, 10_000) if (name := f"{stem}-{at}") not in used)


def _node(drawing: Drawing, name: str) -> FlowNode:
    if name not in drawing.nodes:
        raise _Refused(f"There is no node {name}.")
    return drawing.nodes[name]


def _put(drawing: Drawing, node: FlowNode, **values: Any) -> Drawing:
    return replace(drawing, nodes={**drawing.nodes, node.id: node.model_copy(update=values)})


def _named(node: FlowNode, name: str) -> FlowNode:
    return node.model_copy(update={"id": name})


def all_renamed(drawing: Drawing, names: dict[str, str]) -> Drawing:
    if not names:
        return drawing
    net = renamed(net_of(drawing), names)
    return Drawing(
        {node.id: node for node in net.nodes},
        tuple(net.edges),
        {names.get(name, name): at for name, at in drawing.layout.items()},
    )


def net_of(drawing: Drawing) -> Net:
    return Net(tuple(drawing.nodes.values()), drawing.edges)


def _inserted(nodes: dict[str, FlowNode], node: FlowNode, at: int | None) -> dict[str, FlowNode]:
    rows = list(nodes.values())
    rows.insert(len(rows) if at is None else at, node)
    return {row.id: row for row in rows}


def _check_size(count: int, most: int, what: str) -> None:
    if count > most:
        raise _Refused(f"A flow has at most {most:,} {what}.")


def _ends(one: FlowEdge) -> tuple[str, str]:
    return one.source.partition(".")[0], one.target.partition(".")[0]


def _node_changes(old: FlowNode, new: FlowNode) -> list[Op]:
    ops: list[Op] = [Retitle(id=new.id, title=new.title)] if old.title != new.title else []
    ops += [ResetParam(id=new.id, name=name) for name in old.params if name not in new.params]
    ops += [
        SetParam(id=new.id, name=name, value=value)
        for name, value in new.params.items()
        if name not in old.params or old.params[name] != value
    ]
    return ops
