"""Whether a project's own flow can run: what is wrong with its nodes and edges, each at its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from apps.catalog.domain.catalog import Component, Parameter, components
from apps.projects.domain.compile import adapter_of, values_of
from apps.projects.domain.findings import Finding
from apps.projects.domain.guard_findings import rule_findings
from apps.projects.domain.pydantic_findings import did_you_mean
from apps.projects.domain.spec import Flow, FlowEdge, FlowNode, Guardrail, ProjectSpec, edge
from apps.projects.domain.yaml_io import plain
from apps.runtime.adapters.registry import ADAPTERS
from apps.runtime.http_tool import HttpTool

RECORDS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "guardrails": TypeAdapter(tuple[Guardrail, ...]),
    "tools": TypeAdapter(tuple[HttpTool, ...]),
}
"""What the values of a parameter of this kind are, each a list of blocks."""
ONCE: Final = ("chat-input", "chat-output")
NODES, EDGES = ("spec", "flow", "nodes"), ("spec", "flow", "edges")


def flow_findings(spec: ProjectSpec, kinds: Mapping[str, str] | None = None) -> list[Finding]:
    """Findings of `spec.flow`; none where the project has its blueprint's, unless there is no blueprint.

    kinds: connections and their kinds, None where they are unknown.
    """
    flow = spec.spec.flow
    if flow is None and spec.spec.application != "custom":
        return []
    if flow is None or not flow.nodes:
        message = "The flow is empty. Draw one on the canvas, or write spec.flow."
        return [Finding("spec.flow.empty", message, ("spec", "flow"))]
    settings = plain(spec)["spec"]
    found = [*_names(flow), *_once(flow)]
    for number, node in enumerate(flow.nodes):
        found += _node(number, node, settings, kinds)
    found += _edges(flow)
    return found


def veto(flow: Flow, source: str, target: str) -> str:
    """Why an edge from this output to this input may not be drawn; "" if it may."""
    out, into = _port(flow, source, output=True), _port(flow, target, output=False)
    if out is None:
        return f"There is no output {source}."
    if into is None:
        return f"There is no input {target}."
    if out != into:
        return f"{source} gives {out} and {target} takes {into}."
    if any(one.target == target for one in flow.edges):
        return f"{target} is fed already. Remove that edge first, or put a join before it."
    if cycle := _cycle((*flow.edges, edge(source, target))):
        return f"That would run in a circle through {', '.join(cycle)}."
    return ""


def _names(flow: Flow) -> Iterator[Finding]:
    counts = Counter(node.id for node in flow.nodes)
    for number, node in enumerate(flow.nodes):
        if counts[node.id] > 1:
            message = f"{counts[node.id]} nodes are called “{node.id}”. Give each its own id."
            yield Finding("spec.flow.node-twice", message, (*NODES, number, "id"))


def _once(flow: Flow) -> Iterator[Finding]:
    for wanted in ONCE:
        places = [at for at, node in enumerate(flow.nodes) if node.component == wanted]
        title = components()[wanted].title
        if not places:
            message = f"The flow has no “{title}” ({wanted}). Add one."
            yield Finding("spec.flow.end-missing", message, ("spec", "flow"))
        for place in places[1:]:
            message = f"A flow has one “{title}” ({wanted}), and this is another. Remove it."
            yield Finding("spec.flow.end-twice", message, (*NODES, place))


def _node(
    number: int, node: FlowNode, settings: Mapping[str, Any], kinds: Mapping[str, str] | None
) -> Iterator[Finding]:
    path = (*NODES, number)
    component = components().get(node.component)
    if component is None:
        hint = did_you_mean(node.component, list(components()))
        message = f"There is no component “{node.component}”.{hint} Choose one of the palette."
        yield Finding("spec.flow.component-unknown", message, (*path, "component"))
        return
    known = [parameter.name for parameter in component.parameters]
    for name, value in node.params.items():
        place = (*path, "params", name)
        if name not in known:
            hint = did_you_mean(name, known) or f" It has: {', '.join(known) or 'none'}."
            message = f"{component.title} has no setting “{name}”.{hint}"
            yield Finding("spec.flow.param-unknown", message, place)
        elif wrong := unfit(component.parameter(name), value):
            yield Finding("spec.flow.param", f"{component.title}: {wrong}", place)
        elif component.parameter(name).kind == "guardrails":
            rules = RECORDS["guardrails"].validate_python(value)
            yield from rule_findings(rules, place, kinds)
    values = values_of(node, settings)
    yield from _runs(path, node, component, values, kinds)
    yield from _model_of(path, node, component, settings, kinds)
    yield from _names_of(path, node, component, settings, kinds)
    if all(
        not unfit(component.parameter(name), value)
        for name, value in values.items()
        if value is not None
    ):
        yield from _followed(path, node, component, values, kinds)


def _runs(
    path: tuple[str | int, ...],
    node: FlowNode,
    component: Component,
    values: Mapping[str, Any],
    kinds: Mapping[str, str] | None,
) -> Iterator[Finding]:
    parameter = component.connection
    if parameter is None:
        return
    name = values[parameter.name]
    place = (*path, "params", parameter.name) if parameter.name in node.params else path
    if kinds is not None and name and name != "builtin" and name not in kinds:
        message = f"There is no connection “{name}”.{did_you_mean(str(name), list(kinds))}"
        yield Finding("spec.connection.unknown", f"{node.id}: {message}", place)
    elif not adapter_of(component, values, kinds or {}):
        wanted = " or ".join(kind for kind in component.adapters if kind != "embedded")
        message = (
            f"{node.id}: nothing built in runs “{component.title}”. Choose a connection for it."
        )
        if name and name != "builtin":
            kind = (kinds or {}).get(str(name), "openai")
            message = (
                f"{node.id}: the connection “{name}” is of kind {kind}, and “{component.title}” needs "
                f"one of kind {wanted}. Choose another."
            )
        yield Finding("spec.flow.connection-missing", message, place)


def _model_of(
    path: tuple[str | int, ...],
    node: FlowNode,
    component: Component,
    settings: Mapping[str, Any],
    kinds: Mapping[str, str] | None,
) -> Iterator[Finding]:
    """A connection of a node's own beside the model of the project's."""
    server, project = component.connection, settings["model"]
    own = node.params.get(server.name) if server else None
    if own in (None, "", "builtin", project["connection"]):
        return
    if kinds is not None and kinds.get(str(own)) != "openai":
        return
    for parameter in component.parameters:
        if parameter.setting == "model.name" and parameter.name not in node.params:
            message = (
                f"{node.id}: the connection “{own}” is its own, and its model “{project['name']}” is the "
                f"project's, which stands for “{project['connection']}”. Name one of the models that "
                f"“{own}” serves."
            )
            yield Finding("spec.flow.model-elsewhere", message, path, "warning")


def _names_of(
    path: tuple[str | int, ...],
    node: FlowNode,
    component: Component,
    settings: Mapping[str, Any],
    kinds: Mapping[str, str] | None,
) -> Iterator[Finding]:
    """Collections and connections that a node's own lists name and the project or its owner lacks."""
    for parameter in component.parameters:
        value: Any = node.params.get(parameter.name)
        if not value or unfit(parameter, value):
            continue
        place = (*path, "params", parameter.name)
        if parameter.name == "collections":
            have = list(settings["knowledge"]["collections"])
            for number, name in enumerate(value):
                if name not in have:
                    message = f"The project has no collection “{name}”.{did_you_mean(name, have)} Add it to spec.knowledge.collections."
                    yield Finding("spec.flow.collection-unknown", message, (*place, number))
        elif parameter.kind == "connection" and parameter != component.connection:
            if kinds is not None and value != "builtin" and value not in kinds:
                message = f"There is no connection “{value}”.{did_you_mean(value, list(kinds))}"
                yield Finding("spec.connection.unknown", f"{node.id}: {message}", place)
        elif parameter.kind == "tools":
            for number, tool in enumerate(value):
                name = tool["connection"]
                if kinds is not None and name not in kinds:
                    message = f"There is no connection “{name}”.{did_you_mean(name, list(kinds))}"
                    yield Finding(
                        "spec.connection.unknown", message, (*place, number, "connection")
                    )


def _followed(
    path: tuple[str | int, ...],
    node: FlowNode,
    component: Component,
    values: Mapping[str, Any],
    kinds: Mapping[str, str] | None,
) -> Iterator[Finding]:
    """What only the adapter knows of its parameters: a pattern that is none, a place that does not exist."""
    adapter = ADAPTERS.get(adapter_of(component, values, kinds or {}))
    if adapter is None:
        return
    try:
        adapter.params.model_validate({k: v for k, v in values.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        place = (*path, "params", name) if name in node.params else path
        said = first["msg"].removeprefix("Value error, ")
        yield Finding("spec.flow.param", f"{component.title}: {said}.", place)


def unfit(parameter: Parameter, value: Any) -> str:
    """Why a value is none for this parameter; "" if it is."""
    title = parameter.title
    if parameter.kind in ("number", "integer"):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or (parameter.kind == "integer" and value != int(value)):
            whole = "a whole number" if parameter.kind == "integer" else "a number"
            return f"{title} must be {whole}, not {value!r}."
        if parameter.low is not None and value < parameter.low:
            return f"{title} must be at least {parameter.low:g}, not {value:g}."
        if parameter.high is not None and value > parameter.high:
            return f"{title} must be at most {parameter.high:g}, not {value:g}."
    elif parameter.kind == "choice":
        if value not in parameter.choices:
            return f"{title} must be one of {', '.join(parameter.choices)}, not {value!r}."
    elif parameter.kind == "boolean":
        if not isinstance(value, bool):
            return f"{title} must be true or false, not {value!r}."
    elif parameter.kind == "list":
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
            return f"{title} must be a list of texts."
    elif parameter.kind in RECORDS:
        try:
            RECORDS[parameter.kind].validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return f"{title}: {f'{where}: ' if where else ''}{first['msg']}."
    elif not isinstance(value, str):
        return f"{title} must be text, not {value!r}."
    return ""


def _edges(flow: Flow) -> Iterator[Finding]:
    fed: Counter[str] = Counter(one.target for one in flow.edges)
    for number, one in enumerate(flow.edges):
        path = (*EDGES, number)
        out = _port(flow, one.source, output=True)
        into = _port(flow, one.target, output=False)
        if out is None:
            message = f"There is no output {one.source}. Connect one that exists."
            yield Finding("spec.edge.port-unknown", message, (*path, "from"))
        if into is None:
            message = f"There is no input {one.target}. Connect one that exists."
            yield Finding("spec.edge.port-unknown", message, (*path, "to"))
        if out and into and out != into:
            message = f"{one.source} gives {out} and {one.target} takes {into}."
            yield Finding("spec.edge.type-mismatch", message, path)
        if fed[one.target] > 1:
            message = f"{fed[one.target]} edges lead to {one.target}. Keep one, or add a join."
            yield Finding("spec.edge.input-twice", message, (*path, "to"))
    yield from _unfed(flow, fed)
    if cycle := _cycle(flow.edges):
        places = [at for at, one in enumerate(flow.edges) if _ends(one)[1] == cycle[0]]
        message = f"The flow runs in a circle: {' > '.join(cycle)}. Remove one of its edges."
        yield Finding("spec.flow.cycle", message, (*EDGES, places[0]) if places else EDGES)


def _unfed(flow: Flow, fed: Mapping[str, int]) -> Iterator[Finding]:
    for number, node in enumerate(flow.nodes):
        component = components().get(node.component)
        for port in component.inputs if component else ():
            if port.required and not fed.get(f"{node.id}.{port.name}"):
                message = (
                    f"Nothing feeds {node.id}.{port.name}. Connect an output of type {port.type}."
                )
                yield Finding("spec.flow.input-missing", message, (*NODES, number))


def _cycle(edges: tuple[FlowEdge, ...]) -> list[str]:
    """Node ids of one circle, or none."""
    needs: dict[str, set[str]] = {}
    for source, target in map(_ends, edges):
        needs.setdefault(target, set()).add(source)
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return [str(name) for name in reversed(error.args[1])][:-1]
    return []


def _ends(one: FlowEdge) -> tuple[str, str]:
    return one.source.partition(".")[0], one.target.partition(".")[0]


def _port(flow: Flow, name: str, *, output: bool) -> str | None:
    """The type of a port, None where there is none of that name on that side."""
    node_id, _, port = name.partition(".")
    node = next((one for one in flow.nodes if one.id == node_id), None)
    component = components().get(node.component) if node else None
    if component is None:
        return None
    side = component.outputs if output else component.inputs
    return next((one.type for one in side if one.name == port), None)
