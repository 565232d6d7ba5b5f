"""YAML of other programs: several documents, anchors and aliases as their writers leave them.

Reads libyaml's events, as the pure parser of project files takes seconds for files of this size.
An alias stands for the very value it names, and counts as often as it would be written out, so that
a few lines cannot stand for billions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml
from yaml.reader import ReaderError

from apps.projects.domain.importers.document import (
    MAX_DEPTH,
    MAX_VALUES,
    Document,
    Place,
    Refused,
    too_deep,
    too_many,
)
from apps.projects.domain.shape import Path
from apps.projects.domain.yaml_nodes import Unreadable, check_text, scalar_value, short

LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PLAIN_TAGS: Final = frozenset(("!", "tag:yaml.org,2002:str"))


def read_yaml(text: str) -> list[Document]:
    """Its documents; empty ones are left out. Raises Refused, and nothing else, whatever the text is."""
    reader = _Reader(yaml.parse(text, Loader=LOADER))
    try:
        return list(reader.documents())
    except Unreadable as error:
        raise Refused(
            error.code.replace("spec.yaml", "import"), error.message, (error.line, error.column)
        ) from error
    except ReaderError as error:
        before = text[: error.position]
        place = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        message = "This character may not stand in a YAML file. Remove it."
        raise Refused("import.character", message, place) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(str(error.problem or error.context or "unreadable").split())
        raise Refused(
            "import.syntax",
            f"This line is not valid YAML: {problem}.",
            _inside(text, mark.line + 1, mark.column + 1) if mark else (1, 1),
        ) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        message = "This is not readable as YAML from here on. Check quotes and escapes."
        raise Refused("import.syntax", message, reader.last) from error


def _inside(text: str, line: int, column: int) -> Place:
    """A place, or the end of the text where libyaml means the line after its last one."""
    last = text.count("\n") + 1
    return (line, column) if line <= last else (last, len(text) - text.rfind("\n"))


@dataclass(slots=True)
class _Anchor:
    """weight   how many values it stands for, itself included; 0 while it is still being read
    height   levels below it
    """

    value: Any = None
    weight: int = 0
    height: int = 0


class _Reader:
    def __init__(self, events: Iterator[Any]) -> None:
        self.events = events
        self.values = 0
        self.deepest = 0
        self.last: Place = (1, 1)
        self.anchors: dict[str, _Anchor] = {}
        self.document = Document()

    def documents(self) -> Iterator[Document]:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.document, self.anchors = Document(), {}
            elif isinstance(event, yaml.NodeEvent):
                self.document.value = self._node(event, (), 0)
                if self.document.value is not None:
                    yield self.document

    def _node(self, event: Any, path: Path, depth: int) -> Any:
        place = self._counted(event, depth)
        self.document.places[path] = place
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), place, depth)
        if event.tag is not None and event.tag not in PLAIN_TAGS:
            message = f"Tags ({short(event.tag)}) are not read. Write the plain value."
            raise Refused("import.tag", message, place)
        if not event.anchor:
            return self._content(event, path, depth)
        anchor = self.anchors[event.anchor] = _Anchor()
        before, outer, self.deepest = self.values, self.deepest, depth
        anchor.value = self._content(event, path, depth)
        anchor.weight, anchor.height = self.values - before + 1, self.deepest - depth
        self.deepest = max(outer, self.deepest)
        return anchor.value

    def _content(self, event: Any, path: Path, depth: int) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(inner := next(self.events), yaml.SequenceEndEvent):
                items.append(self._node(inner, (*path, len(items)), depth + 1))
            return items
        return scalar_value(event)

    def _mapping(self, path: Path, depth: int) -> dict[str, Any]:
        block: dict[str, Any] = {}
        while not isinstance(key := next(self.events), yaml.MappingEndEvent):
            place = self._counted(key, depth)
            if not isinstance(key, yaml.ScalarEvent):
                raise Refused("import.key", "A key must be plain text.", place)
            name = str(key.value)
            check_text(key, name)
            if name in block:
                message = f"The key “{short(name)}” stands here a second time. Keep one of them."
                raise Refused("import.duplicate-key", message, place)
            block[name] = self._node(next(self.events), (*path, name), depth + 1)
        return block

    def _alias(self, name: str, place: Place, depth: int) -> Any:
        anchor = self.anchors.get(name)
        if anchor is None or not anchor.weight:
            message = f"The alias *{short(name)} names nothing that was read before it."
            raise Refused("import.alias", message, place)
        self.values += anchor.weight
        self._bounded(place, depth + anchor.height)
        return anchor.value

    def _counted(self, event: Any, depth: int) -> Place:
        self.values += 1
        self.last = place = event.start_mark.line + 1, event.start_mark.column + 1
        self._bounded(place, depth)
        return place

    def _bounded(self, place: Place, depth: int) -> None:
        self.deepest = max(self.deepest, depth)
        if depth > MAX_DEPTH:
            raise too_deep(place)
        if self.values > MAX_VALUES:
            raise too_many(place)
