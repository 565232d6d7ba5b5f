"""What is set and changes nothing: parameters that what runs a component does not pass on, or takes less of.

Which those are, the runtime's adapters say themselves (`ignores`, `most`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from apps.catalog.domain.catalog import Component, Parameter, blueprints, components
from apps.projects.domain.blueprints import flow_of
from apps.projects.domain.compile import adapter_of, inherited
from apps.projects.domain.findings import Finding
from apps.projects.domain.shape import Path
from apps.projects.domain.spec import ApplicationId, FlowNode, Parameters, ProjectSpec, Spec
from apps.projects.domain.starter import INSTRUCTIONS, LONGEST
from apps.projects.domain.yaml_io import plain
from apps.runtime.adapters.base import Adapter
from apps.runtime.adapters.registry import ADAPTERS

EMPTY: Final[tuple[Any, ...]] = (None, "", [])
CHOICES: Final = (
    *(
        "model.connection",
        "model.name",
        "knowledge.rerank.connection",
        "knowledge.store.connection",
    ),
    *("knowledge.chunk.size", "knowledge.chunk.overlap"),
    *("knowledge.embedding.connection", "knowledge.embedding.name"),
)
"""Settings that decide what runs, or how collections are made; what is wrong with them is said elsewhere."""
RUNS: Final[Mapping[str, str]] = {
    "embedded": "what is built in",
    "openai": "the model server",
    "opea": "OPEA's service",
    "http": "the HTTP service",
}


@dataclass(slots=True)
class _Readers:
    """Of one setting of the spec. said: what those say that heed it only in part."""

    parameter: Parameter
    value: Any
    is_set: bool
    heeding: int = 0
    ignoring: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def ignored_findings(spec: ProjectSpec, kinds: Mapping[str, str] | None) -> Iterator[Finding]:
    """Infos, at the node that sets a value, else at the place in the spec that nodes take it from. A value
    that a project begins with is nobody's wish and not mentioned. kinds: None where unknown."""
    settings = plain(spec)["spec"]
    usual = _usual(spec.spec.application)
    readers: dict[str, _Readers] = {}
    flow = flow_of(spec)
    for number, node in enumerate(flow.nodes):
        component = components().get(node.component)
        adapter = _adapter(node, component, settings, kinds or {}) if component else None
        if component is None or adapter is None:
            continue
        for parameter in component.parameters:
            if parameter.name in node.params:
                path = ("spec", "flow", "nodes", number, "params", parameter.name)
                yield from _own(node, component, adapter, parameter, path)
            elif parameter.setting:
                row = readers.get(parameter.setting) or _readers(parameter, settings, usual)
                readers[parameter.setting] = row
                if row.is_set:
                    _read(row, node, component, adapter)
    for setting, row in readers.items():
        yield from _inherited(row, ("spec", *setting.split(".")))
    if spec.spec.flow is None:
        yield from _left_out(spec, settings, usual, readers)


def _own(
    node: FlowNode, component: Component, adapter: Adapter, parameter: Parameter, path: Path
) -> Iterator[Finding]:
    value = node.params[parameter.name]
    if parameter.name in adapter.ignores and value not in EMPTY:
        message = f"{_who(component, adapter)} does not use {_named(parameter)}. It does nothing here; remove it."
        yield Finding("spec.setting.ignored", f"{node.id}: {message}", path, "info")
    elif less := _less(component, adapter, parameter, value):
        yield Finding("spec.setting.limited", f"{node.id}: {less}", path, "info")


def _readers(
    parameter: Parameter, settings: Mapping[str, Any], usual: Mapping[str, Any]
) -> _Readers:
    value = inherited(parameter, settings)
    is_set = value not in EMPTY and value != inherited(parameter, usual)
    return _Readers(parameter, value, is_set)


def _read(row: _Readers, node: FlowNode, component: Component, adapter: Adapter) -> None:
    if row.parameter.name in adapter.ignores:
        row.ignoring.append(f"{node.id} ({_who(component, adapter)})")
        return
    row.heeding += 1
    if less := _less(component, adapter, row.parameter, row.value):
        row.said.append(f"{node.id}: {less}")


def _inherited(row: _Readers, path: Path) -> Iterator[Finding]:
    if row.ignoring:
        title = _named(row.parameter)
        where = ", ".join(row.ignoring)
        rest = "" if row.heeding else " Nothing else reads it, so it does nothing."
        message = f"{title} is not used by {where}.{rest}"
        yield Finding("spec.setting.ignored", message, path, "info")
    for said in row.said:
        yield Finding("spec.setting.limited", said, path, "info")


def _left_out(
    spec: ProjectSpec,
    settings: Mapping[str, Any],
    usual: Mapping[str, Any],
    readers: Mapping[str, _Readers],
) -> Iterator[Finding]:
    """Of nodes that the blueprint has, and not with these settings, as of a model where quotes answer."""
    blueprint = blueprints().get(spec.spec.application)
    told: set[str] = set()
    for row in blueprint.nodes if blueprint else ():
        for parameter in components()[row.component].parameters:
            setting = parameter.setting
            if not setting or setting in readers or setting in told or setting in CHOICES:
                continue
            if _readers(parameter, settings, usual).is_set:
                told.add(setting)
                message = (
                    f"{_named(parameter)} is not used: {components()[row.component].title} is not part "
                    "of what runs with these settings."
                )
                yield Finding(
                    "spec.setting.ignored", message, ("spec", *setting.split(".")), "info"
                )


def _less(component: Component, adapter: Adapter, parameter: Parameter, value: Any) -> str:
    most = adapter.most.get(parameter.name)
    if most is None or not isinstance(value, (int, float)) or value <= most:
        return ""
    return (
        f"{_who(component, adapter)} takes at most {most:,g} as {_named(parameter)}; {value:,g} "
        "counts as that."
    )


def _named(parameter: Parameter) -> str:
    return f"“{parameter.title}” ({parameter.name})"


def _who(component: Component, adapter: Adapter) -> str:
    kind = next(kind for kind, name in component.adapters.items() if name == adapter.id)
    return f"{component.title} by {RUNS[kind]}"


def _adapter(
    node: FlowNode, component: Component, settings: Mapping[str, Any], kinds: Mapping[str, str]
) -> Adapter | None:
    values = {}
    if chosen := component.connection:
        values[chosen.name] = node.params.get(chosen.name) or inherited(chosen, settings)
    return ADAPTERS.get(adapter_of(component, values, kinds))


@cache
def _usual(application: ApplicationId) -> dict[str, Any]:
    """What a project of this application begins with."""
    new = Spec(
        application=application,
        instruction=INSTRUCTIONS[application],
        parameters=Parameters(max_tokens=LONGEST.get(application, Parameters().max_tokens)),
    )
    return new.model_dump(mode="json", by_alias=True, exclude_none=True)
