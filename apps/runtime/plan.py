"""A graph checked once and put in running order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from pydantic import ValidationError

from apps.runtime import ports
from apps.runtime.adapters.base import Adapter, Params
from apps.runtime.adapters.registry import ADAPTERS
from apps.runtime.errors import UserFault
from apps.runtime.format_1 import to_format_2
from apps.runtime.graph import Edge, Graph, Node
from apps.runtime.ports import Port, Ports

CACHED_PLANS = 256
INPUT, OUTPUT, REPLY = "chat-input", "chat-output", "answer"


class GraphInvalid(UserFault):
    code = "graph.invalid"
    sentence = "This application cannot run: {reason}. Build it again."


@dataclass(frozen=True, slots=True)
class Task:
    """One node. wires: input port -> (node, output port) that feeds it. required: the inputs without
    which it is skipped."""

    node: str
    component: str
    adapter: Adapter
    params: Params
    wires: dict[str, tuple[str, str]]
    needs: frozenset[str]
    required: frozenset[str]
    ports: Ports


@dataclass(frozen=True, slots=True)
class Plan:
    """tasks in an order that respects their needs

    screens   the nodes whose tokens are the reply, each with the nodes that screen them, in order
    """

    tasks: dict[str, Task]
    output: str
    screens: dict[str, tuple[str, ...]]

    @property
    def speakers(self) -> frozenset[str]:
        return frozenset(self.screens)

    def speaks_through(self, node: str) -> frozenset[str]:
        """The speakers whose words reach the reply through this node."""
        return frozenset(_speakers(self.tasks, node))


_plans: dict[int, tuple[Graph, Plan]] = {}


def plan_of(graph: Graph) -> Plan:
    """The graph's plan, kept for as long as the graph is in use. Raises GraphInvalid."""
    found = _plans.get(id(graph))
    if found is None or found[0] is not graph:
        if len(_plans) >= CACHED_PLANS:
            _plans.clear()
        found = _plans[id(graph)] = (graph, make_plan(graph))
    return found[1]


def make_plan(graph: Graph) -> Plan:
    """Raises GraphInvalid with the first reason found."""
    graph = to_format_2(graph)
    _check_nodes(graph)
    known = {node.id: _ports(node) for node in graph.nodes}
    wires: dict[str, dict[str, tuple[str, str]]] = {node.id: {} for node in graph.nodes}
    for edge in graph.edges:
        _connect(edge, known, wires)
    tasks = {node.id: _task(node, known[node.id], wires[node.id]) for node in graph.nodes}
    try:
        order = list(
            TopologicalSorter({name: task.needs for name, task in tasks.items()}).static_order()
        )
    except CycleError as error:
        raise GraphInvalid(reason=f"it runs in a circle at {error.args[1][0]}") from error
    output = next(name for name, task in tasks.items() if task.adapter.id == OUTPUT)
    screens = _speakers(tasks, tasks[output].wires[REPLY][0])
    return Plan({name: tasks[name] for name in order}, output, screens)


def task_of(node: Node) -> Task:
    """A node by itself, unconnected. Raises GraphInvalid."""
    alone = to_format_2(Graph(application="custom", nodes=(node,), edges=())).nodes[0]
    _check_known(alone)
    return _task(alone, _ports(alone), {}, alone=True)


def _task(
    node: Node, known: Ports, wires: dict[str, tuple[str, str]], *, alone: bool = False
) -> Task:
    required = frozenset(name for name, port in known.inputs.items() if port.required)
    if not alone and (missing := sorted(required - wires.keys())):
        raise GraphInvalid(reason=f"nothing feeds {node.id}.{missing[0]}")
    adapter = ADAPTERS[node.adapter]
    try:
        params = adapter.params.model_validate(node.params)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise GraphInvalid(reason=f"{node.id} has {where}: {first['msg']}") from error
    needs = frozenset(source for source, _ in wires.values())
    return Task(node.id, node.component, adapter, params, wires, needs, required, known)


def _check_nodes(graph: Graph) -> None:
    counts = Counter(node.id for node in graph.nodes)
    if repeated := next((name for name, count in counts.items() if count > 1), None):
        raise GraphInvalid(reason=f"two nodes are called {repeated}")
    for node in graph.nodes:
        _check_known(node)
    for wanted in (INPUT, OUTPUT):
        if sum(node.adapter == wanted for node in graph.nodes) != 1:
            raise GraphInvalid(reason=f"it needs exactly one {wanted}")


def _check_known(node: Node) -> None:
    if node.adapter not in ADAPTERS:
        what = node.adapter or node.component
        raise GraphInvalid(reason=f"{node.id} is a {what}, which is not known here")


def _ports(node: Node) -> Ports:
    try:
        return Ports(
            {name: ports.read(text) for name, text in node.inputs.items()},
            {name: ports.read(text) for name, text in node.outputs.items()},
        )
    except ValueError as error:
        raise GraphInvalid(reason=f"{node.id}: {error}") from error


def _connect(
    edge: Edge, known: dict[str, Ports], wires: dict[str, dict[str, tuple[str, str]]]
) -> None:
    source, _, out = edge.source.partition(".")
    target, _, into = edge.target.partition(".")
    for name in (source, target):
        if name not in known:
            raise GraphInvalid(reason=f"an edge names {name}, which is no node")
    given: Port | None = known[source].outputs.get(out)
    taken: Port | None = known[target].inputs.get(into)
    if given is None or taken is None:
        missing = edge.source if given is None else edge.target
        raise GraphInvalid(reason=f"there is no port {missing}")
    if given.type != taken.type:
        raise GraphInvalid(
            reason=f"{edge.source} gives {given.type} and {edge.target} takes {taken.type}"
        )
    if into in wires[target]:
        raise GraphInvalid(reason=f"two edges lead to {edge.target}")
    wires[target][into] = source, out


def _speakers(
    tasks: dict[str, Task], node: str, screens: tuple[str, ...] = ()
) -> dict[str, tuple[str, ...]]:
    """The node, or where it only passes words on, those whose words it passes; one that screens them may
    speak as well. Each with what its words still go through."""
    adapter = tasks[node].adapter
    if not adapter.passes:
        return {node: screens}
    found = {node: screens} if adapter.screen else {}
    inner = (node, *screens) if adapter.screen else screens
    for source, out in tasks[node].wires.values():
        if tasks[source].ports.outputs[out].type == "answer":
            found |= _speakers(tasks, source, inner)
    return found
