"""Applications, components and blueprints that the studio knows, from the YAML files beside this module.

One file in `data/components/` is one component, one in `data/blueprints/` the graph of one application.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from ruamel.yaml import YAML

from apps.runtime.ports import Port as RuntimePort
from apps.runtime.ports import PortType, written
from apps.runtime.resources import ServerKind

DATA = Path(__file__).parent / "data"

Category = Literal[
    "input", "knowledge", "generation", "speech", "vision", "safety", "logic", "tools", "output"
]
CATEGORIES: dict[str, str] = {
    "input": "Input",
    "knowledge": "Knowledge",
    "generation": "Generation",
    "speech": "Speech",
    "vision": "Vision",
    "safety": "Safety",
    "logic": "Logic",
    "tools": "Tools",
    "output": "Output",
}
"""Titles, in the order in which a palette shows them."""
ParameterKind = Literal[
    "number",
    "integer",
    "text",
    "long-text",
    "choice",
    "boolean",
    "list",
    "connection",
    "guardrails",
    "tools",
]


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Application(Entry):
    """available: whether this release builds it."""

    id: str
    title: str
    opea: str
    icon: str
    summary: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    available: bool


class Port(Entry):
    name: str
    type: PortType
    required: bool = True

    @property
    def written(self) -> str:
        return written(RuntimePort(self.type, self.required))


class Parameter(Entry):
    """A setting of a component.

    kind     "list" is a list of texts; "connection" the name of a connection, which also decides
             the adapter; "guardrails" is a list of rules and "tools" of HTTP tools, each a block of keys
             (`RECORDS` of `projects/domain/flow_findings.py`)
    setting  the place in the spec, below `spec.`, whose value it takes where a node sets none
    choices  from value to its effect, in one line each
    step     of a number's field
    """

    name: str
    title: str
    kind: ParameterKind
    default: float | int | str | bool | tuple[str, ...] | None
    setting: str = ""
    low: float | None = None
    high: float | None = None
    step: float = 1
    unit: str = ""
    effect: str = ""
    choices: dict[str, str] = Field(default_factory=dict)


class Deploy(Entry):
    """What the component needs as a service of its own.

    env      variable -> value; "{server.url}", "{model}" and other parameters in braces
    health   path that answers 200 when it is ready
    """

    image: str
    port: int
    env: dict[str, str] = Field(default_factory=dict)
    health: str = ""
    cpus: float | None = None
    memory_mb: int | None = None


class Component(Entry):
    """adapters: from what runs it ("embedded", or a connection's kind) to the runtime's adapter."""

    id: str
    title: str
    category: Category
    icon: str
    summary: str
    adapters: dict[Literal["embedded", ServerKind], str]
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    deploy: Deploy | None = None

    def parameter(self, name: str) -> Parameter:
        return next(one for one in self.parameters if one.name == name)

    def adapter(self, kind: str) -> str:
        """ "" where nothing of this kind runs it."""
        return next((name for key, name in self.adapters.items() if key == kind), "")

    @property
    def connection(self) -> Parameter | None:
        """The parameter that names the connection it runs on, if it needs one."""
        return next((one for one in self.parameters if one.kind == "connection"), None)

    def port(self, name: str) -> Port | None:
        return next((one for one in (*self.inputs, *self.outputs) if one.name == name), None)


class BlueprintNode(Entry):
    """when: a condition of `projects/domain/blueprints.py`; "" for always."""

    id: str
    component: str
    when: str = ""
    params: dict[str, Any] = Field(default_factory=dict)


class Blueprint(Entry):
    """edges: "node.port > node.port"."""

    application: str
    nodes: tuple[BlueprintNode, ...]
    edges: tuple[str, ...]


@cache
def applications() -> tuple[Application, ...]:
    return TypeAdapter(tuple[Application, ...]).validate_python(_read(DATA / "applications.yaml"))


@cache
def components() -> dict[str, Component]:
    """By id: by category, within it by title."""
    rows = [Component.model_validate(_read(path)) for path in (DATA / "components").glob("*.yaml")]
    places = list(CATEGORIES)
    rows.sort(key=lambda row: (places.index(row.category), row.title))
    return {row.id: row for row in rows}


@cache
def blueprints() -> dict[str, Blueprint]:
    """By application."""
    rows = [
        Blueprint.model_validate(_read(path))
        for path in sorted((DATA / "blueprints").glob("*.yaml"))
    ]
    return {row.application: row for row in rows}


def application(application_id: str) -> Application:
    """Raises KeyError for an id that does not exist."""
    for row in applications():
        if row.id == application_id:
            return row
    raise KeyError(application_id)


def _read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
