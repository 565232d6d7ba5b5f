"""Applications and components that the studio knows, read from the YAML files beside this module."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from ruamel.yaml import YAML

DATA = Path(__file__).parent / "data"

PortType = Literal["text", "history", "passages", "messages", "answer"]


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


class Parameter(Entry):
    """choices: from value to its effect, in one line each."""

    name: str
    title: str
    kind: Literal["number", "integer", "text", "choice"]
    default: float | int | str
    low: float | None = None
    high: float | None = None
    step: float = 1
    unit: str = ""
    effect: str = ""
    choices: dict[str, str] = Field(default_factory=dict)


class Component(Entry):
    id: str
    title: str
    icon: str
    summary: str
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    parameters: tuple[Parameter, ...] = ()

    def parameter(self, name: str) -> Parameter:
        return next(one for one in self.parameters if one.name == name)


@cache
def applications() -> tuple[Application, ...]:
    return TypeAdapter(tuple[Application, ...]).validate_python(_read("applications.yaml"))


@cache
def components() -> dict[str, Component]:
    """By id, in the order of the file."""
    rows = TypeAdapter(tuple[Component, ...]).validate_python(_read("components.yaml"))
    return {row.id: row for row in rows}


def application(application_id: str) -> Application:
    """Raises KeyError for an id that does not exist."""
    for row in applications():
        if row.id == application_id:
            return row
    raise KeyError(application_id)


def _read(name: str) -> Any:
    return YAML(typ="safe", pure=True).load((DATA / name).read_text(encoding="utf-8"))
