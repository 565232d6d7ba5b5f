"""From a spec to the graph that runs. The graph names connections; it holds no address or secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.catalog.domain.catalog import Component, Parameter, components
from apps.projects.domain.blueprints import AVAILABLE, BUILTIN, flow_of
from apps.projects.domain.spec import FlowNode, ProjectSpec
from apps.projects.domain.yaml_io import plain
from apps.projects.errors import ApplicationNotAvailable
from apps.runtime.graph import Edge, Graph, Node

FORMAT = 2


def build_graph(spec: ProjectSpec, kinds: Mapping[str, str] | None = None) -> Graph:
    """The runtime graph of a complete spec.

    kinds: by connection; those that are not there count as "openai", or as what alone runs the component.
    Raises ApplicationNotAvailable for applications that this release cannot run.
    """
    if spec.spec.application not in AVAILABLE:
        raise ApplicationNotAvailable(application=spec.spec.application)
    flow = flow_of(spec)
    settings = plain(spec)["spec"]
    return Graph(
        version=FORMAT,
        application=spec.spec.application,
        nodes=tuple(_node(node, settings, kinds or {}) for node in flow.nodes),
        edges=tuple(Edge(source=edge.source, target=edge.target) for edge in flow.edges),
    )


def values_of(node: FlowNode, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter of a node: its own, else the spec's where the catalog names a setting, else the
    component's default. settings: the spec as plain values, below `spec`."""
    return {
        parameter.name: node.params[parameter.name]
        if parameter.name in node.params
        else inherited(parameter, settings)
        for parameter in components()[node.component].parameters
    }


def inherited(parameter: Parameter, settings: Mapping[str, Any]) -> Any:
    """What a parameter is where its node does not set it."""
    found: Any = settings if parameter.setting else None
    for part in parameter.setting.split(".") if parameter.setting else ():
        found = found.get(part) if isinstance(found, Mapping) else None
    if found is not None:
        return found
    return list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default


def adapter_of(component: Component, values: Mapping[str, Any], kinds: Mapping[str, str]) -> str:
    """What runs the component with these values; "" where nothing does (no connection chosen, or none
    of a kind it works with)."""
    parameter = component.connection
    name = values.get(parameter.name) if parameter else None
    if not name or name == BUILTIN:
        return component.adapter("embedded")
    served = [kind for kind in component.adapters if kind != "embedded"]
    usual = "openai" if "openai" in served or not served else served[0]
    return component.adapter(kinds.get(str(name), usual))


def node_of(spec: ProjectSpec, node: FlowNode, kinds: Mapping[str, str] | None = None) -> Node:
    """One node as it would run in this project; it need not be part of it. Raises KeyError for a
    component that does not exist."""
    return _node(node, plain(spec)["spec"], kinds or {})


def _node(node: FlowNode, settings: Mapping[str, Any], kinds: Mapping[str, str]) -> Node:
    component = components()[node.component]
    values = values_of(node, settings)
    return Node(
        id=node.id,
        component=node.component,
        adapter=adapter_of(component, values, kinds),
        params={name: value for name, value in values.items() if value is not None},
        inputs={port.name: port.written for port in component.inputs},
        outputs={port.name: port.type for port in component.outputs},
    )
