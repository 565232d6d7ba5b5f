"""A graph checked once and put in running order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from pydantic import ValidationError

from apps.runtime.components import COMPONENTS, Params
from apps.runtime.errors import UserFault
from apps.runtime.graph import Edge, Graph

CACHED_PLANS = 256


class GraphInvalid(UserFault):
    code = "graph.invalid"
    sentence = "This application cannot run: {reason}. Build it again."


@dataclass(frozen=True, slots=True)
class Task:
    """One node. wires: input port -> (node, output port) that feeds it."""

    node: str
    component: str
    params: Params
    wires: dict[str, tuple[str, str]]
    needs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """tasks in an order that respects their needs; reply is the node whose tokens are the reply."""

    tasks: dict[str, Task]
    output: str
    reply: str


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
    _check_nodes(graph)
    wires: dict[str, dict[str, tuple[str, str]]] = {node.id: {} for node in graph.nodes}
    for edge in graph.edges:
        _connect(graph, edge, wires)
    tasks = {}
    for node in graph.nodes:
        component = COMPONENTS[node.component]
        for name, port in component.inputs.items():
            if port.required and name not in wires[node.id]:
                raise GraphInvalid(reason=f"nothing feeds {node.id}.{name}")
        try:
            params = component.params.model_validate(node.params)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise GraphInvalid(reason=f"{node.id} has {where}: {first['msg']}") from error
        needs = frozenset(source for source, _ in wires[node.id].values())
        tasks[node.id] = Task(node.id, node.component, params, wires[node.id], needs)
    try:
        order = list(
            TopologicalSorter({name: task.needs for name, task in tasks.items()}).static_order()
        )
    except CycleError as error:
        raise GraphInvalid(reason=f"it runs in a circle at {error.args[1][0]}") from error
    output = next(name for name, task in tasks.items() if task.component == "chat-output")
    return Plan({name: tasks[name] for name in order}, output, tasks[output].wires["answer"][0])


def _check_nodes(graph: Graph) -> None:
    counts = Counter(node.id for node in graph.nodes)
    if repeated := next((name for name, count in counts.items() if count > 1), None):
        raise GraphInvalid(reason=f"two nodes are called {repeated}")
    for node in graph.nodes:
        if node.component not in COMPONENTS:
            raise GraphInvalid(reason=f"{node.id} is a {node.component}, which is not known here")
    for component in ("chat-input", "chat-output"):
        if sum(node.component == component for node in graph.nodes) != 1:
            raise GraphInvalid(reason=f"it needs exactly one {component}")


def _connect(graph: Graph, edge: Edge, wires: dict[str, dict[str, tuple[str, str]]]) -> None:
    source, _, out = edge.source.partition(".")
    target, _, into = edge.target.partition(".")
    components = {node.id: COMPONENTS[node.component] for node in graph.nodes}
    for name in (source, target):
        if name not in components:
            raise GraphInvalid(reason=f"an edge names {name}, which is no node")
    given = components[source].outputs.get(out)
    taken = components[target].inputs.get(into)
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
