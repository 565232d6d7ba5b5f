"""One step of a graph, run by itself as its component describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.catalog.domain.catalog import components
from apps.runtime.adapters.base import Step
from apps.runtime.adapters.registry import ADAPTERS
from apps.runtime.events import Event
from apps.runtime.graph import Edge, Graph, Node
from apps.runtime.resources import Resources, RunRequest
from tests.apps.runtime.graphs import ask


@dataclass
class Ran:
    outputs: Mapping[str, Any]
    noted: Mapping[str, Any]
    ends: Any
    events: list[Event] = field(default_factory=list)


def node(name: str, component: str, kind: str = "embedded", **params: Any) -> Node:
    """A node of the catalog's component, with the adapter that runs it on this kind of connection."""
    row = components()[component]
    return Node(
        id=name,
        component=component,
        adapter=row.adapter(kind),
        params=params,
        inputs={port.name: port.written for port in row.inputs},
        outputs={port.name: port.type for port in row.outputs},
    )


def flow(*nodes: Node, edges: str) -> Graph:
    """edges: lines of "a.x > b.y"."""
    pairs = [line.split(" > ") for line in edges.split("\n") if line.strip()]
    return Graph(
        version=2,
        application="custom",
        nodes=nodes,
        edges=tuple(Edge(source=a.strip(), target=b.strip()) for a, b in pairs),
    )


async def ran(
    one: Node,
    inputs: Mapping[str, Any],
    resources: Resources | None = None,
    *,
    request: RunRequest | None = None,
    heard: str = "",
    sources: Mapping[str, str] | None = None,
) -> Ran:
    """The step's outputs as they are, where `run_node` shows them only."""
    adapter = ADAPTERS[one.adapter]
    step = Step(
        one.id,
        adapter.params.model_validate(one.params),
        dict(inputs),
        request or ask("?"),
        resources or Resources(),
        heard,
        sources or {},
    )
    events = [event async for event in adapter.run(step)]
    return Ran(step.outputs, step.noted, step.ends, events)
