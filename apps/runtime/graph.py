"""The executable form of an application: nodes, typed ports, edges. Serialises to JSON.

A graph is what a build freezes, what the sandbox runs and what a package ships. It knows
connections by name only; addresses and secrets come at run time through `Resources`. Its nodes carry
their ports, so that whatever runs it needs no catalog.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

BUILTIN: Final = "builtin"
"""Named where a connection could be, for what needs none."""
NAMING: Final = ("server", "connection")
"""Keys of parameters, also inside lists, whose value is a connection's name."""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Node(Frozen):
    """component   the catalog's name, for people
    adapter        what executes it (`apps/runtime/adapters/registry.py`); empty in graphs of format 1
    inputs, outputs   ports by name as `ports.written` writes them: "text", "history?"
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    component: str
    adapter: str = ""
    params: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, str] = Field(default_factory=dict)
    outputs: dict[str, str] = Field(default_factory=dict)


class Edge(Frozen):
    """From output port `source` ("node.port") to input port `target` ("node.port")."""

    source: str = Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z][a-z0-9_-]*$")
    target: str = Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z][a-z0-9_-]*$")


class Graph(Frozen):
    """version 1: nodes know their component only; 2: nodes carry adapter and ports."""

    version: int = 1
    application: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def node(self, node_id: str) -> Node:
        return next(node for node in self.nodes if node.id == node_id)

    def connections(self) -> tuple[str, ...]:
        """The names of all servers that its nodes need, sorted."""
        found = {name for node in self.nodes for name in _named(node.params)}
        return tuple(sorted(found - {"", BUILTIN}))


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in NAMING and isinstance(item, str):
                yield item
            else:
                yield from _named(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _named(item)
