"""What every importer makes of its file: elements with roles and what feeds them, free of the format."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path as FilePath
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter
from ruamel.yaml import YAML

from apps.projects.domain.shape import Path
from apps.projects.domain.yaml_nodes import short

MAPPING: Final = FilePath(__file__).parent / "mapping"

WAYS: Final = ("first", "second", "third", "fourth")
OTHERWISE: Final = "otherwise"
"""The ways out of what parts a flow here."""
MOST_PIXELS: Final = 100_000

ValueKind = Literal["text", "number", "integer", "boolean", "name", "list", "records"]


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(Entry):
    """setting: its place in the spec, below `spec.`; a component's parameter is found by it, too."""

    setting: str = ""
    kind: ValueKind = "text"


class Role(Entry):
    """What an element does, and what does it here.

    components  the catalog's ids, the first one that there is; none where an element only carries
                settings and hands on what it gets
    agent       decides by itself what to call: circles through it are calls of tools
    branching   sends on to one of several outputs
    """

    components: tuple[str, ...] = ()
    params: dict[str, Value] = {}
    agent: bool = False
    branching: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """branch: which of the source's ways out, "" for its only one."""

    source: str
    branch: str = ""


@dataclass(slots=True)
class Element:
    """name     what its node is to be called, where not its id
    params   by the names of its role
    places   where in the file each of them stands
    """

    id: str
    role: str
    path: Path
    title: str = ""
    name: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Path] = field(default_factory=dict)
    feeds: list[Feed] = field(default_factory=list)
    position: tuple[int, int] | None = None

    @property
    def called(self) -> str:
        """For messages."""
        return f"“{short(self.title or self.id)}”"

    def put(self, name: str, value: Any, path: Path) -> None:
        self.params[name], self.places[name] = value, path


@dataclass(slots=True)
class Sketch:
    """application: what the file calls itself, "" where it says nothing. settings: places in the spec
    that belong to no element, with the path they come from."""

    title: str = ""
    description: str = ""
    application: str = ""
    elements: dict[str, Element] = field(default_factory=dict)
    settings: dict[str, tuple[Any, Path]] = field(default_factory=dict)

    def add(self, element: Element) -> Element:
        self.elements[element.id] = element
        return element


@cache
def roles() -> dict[str, Role]:
    return TypeAdapter(dict[str, Role]).validate_python(mapping("roles"))


@cache
def shapes() -> dict[str, tuple[str, ...]]:
    """By application, the chain of roles that is its blueprint; "rerank?" may be missing."""
    return TypeAdapter(dict[str, tuple[str, ...]]).validate_python(mapping("applications"))


@cache
def mapping(name: str) -> Any:
    """One of the tables beside this module, from a foreign name to what it is here."""
    text = (MAPPING / f"{name}.yaml").read_text(encoding="utf-8")
    return YAML(typ="safe", pure=True).load(text)


def position_of(block: dict[str, Any]) -> tuple[int, int] | None:
    """Where a node stands, as React Flow writes it."""
    place = block.get("position")
    x, y = (place.get("x"), place.get("y")) if isinstance(place, dict) else (None, None)
    if not isinstance(x, (int, float)) or not isinstance(y, (int, float)):
        return None
    return (round(x), round(y)) if abs(x) < MOST_PIXELS and abs(y) < MOST_PIXELS else None


def slug(text: str, otherwise: str = "", limit: int = 50) -> str:
    """A name as the spec wants it, or `otherwise` where nothing of the text is left."""
    plain = unicodedata.normalize("NFKD", text[:200]).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9]+", "-", plain)
    return re.sub(r"^[^a-z]+", "", plain)[:limit].strip("-") or otherwise


_NUMBER: Final = re.compile(
    r"\s*[-+]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][-+]?[0-9]{1,3})?\s*"
)
_TRUTH: Final = {"true": True, "false": False, "yes": True, "no": False}


def fitted(value: Any, kind: ValueKind) -> Any:
    """A foreign value as this kind, or None where it is none: many files write numbers as text."""
    if kind in ("number", "integer"):
        return _number(value, whole=kind == "integer")
    if kind == "boolean":
        return value if isinstance(value, bool) else _TRUTH.get(str(value).strip().lower())
    if kind == "records":
        return value if isinstance(value, list) else None
    if kind == "list":
        return [str(one) for one in value] if isinstance(value, list) else None
    if isinstance(value, (dict, list, bool)):
        return None
    return slug(str(value)) or None if kind == "name" else str(value)


def _number(value: Any, *, whole: bool) -> Any:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if value != value or abs(value) > 1e15:
        return None
    if whole:
        return int(value) if value == int(value) else None
    return value
