"""Values of a YAML text exchanged where they stand: every other character stays.

Knows blocks as people and this program write them, one entry per line. Anything else it leaves to
the round trip of `yaml_io.merge`, which is slower and keeps less of how a file was written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from apps.projects.domain.rising import rising
from apps.projects.domain.shape import Path
from apps.projects.domain.yaml_nodes import Document, Place

Edit = tuple[int, int, str]
"""Characters from here to there become this text."""


class Unpatchable(Exception):
    """The change is none that can be made in place."""


@dataclass(frozen=True, slots=True)
class Writing:
    """How new text is written.

    yaml    a plain value as YAML, lists two columns in from their key
    bare    a new block without the settings that are at their default
    """

    yaml: Callable[[Any], str]
    bare: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


def patched(
    text: str,
    document: Document,
    wanted: dict[str, Any],
    defaults: dict[str, Any],
    writing: Writing,
) -> str:
    """`text` with the values of `wanted`. Raises Unpatchable."""
    if "\r" in text:
        raise Unpatchable
    changing = _Changing(text, document.places, writing)
    edits = sorted(changing.block((), document.value, wanted, defaults), key=lambda one: one[:2])
    parts, at = [], 0
    for start, end, new in edits:
        if start < at:
            raise Unpatchable
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])


@dataclass(frozen=True, slots=True)
class _Changing:
    text: str
    places: dict[Path, Place]
    writing: Writing

    def block(
        self, path: Path, old: dict[str, Any], new: dict[str, Any], default: dict[str, Any]
    ) -> Iterator[Edit]:
        added: dict[str, Any] = {}
        for key, value in new.items():
            usual = default.get(key)
            if old.get(key) is not None:
                yield from self.value((*path, key), old[key], value, usual)
            elif isinstance(value, dict):
                if bare := self.writing.bare(value, usual or {}):
                    added[key] = bare
            elif value != usual:
                added[key] = value
        gone = [key for key in old if key not in new and old[key] is not None]
        if (added or gone) and self.places[path].style != "block":
            raise Unpatchable
        if gone and len(gone) == len(old):
            raise Unpatchable
        for key in gone:
            yield self._without((*path, key), self._key_start((*path, key)))
        if any(key in old for key in added):
            raise Unpatchable
        if added:
            last = self.places[(*path, list(old)[-1])]
            yield self._after(
                last, _shifted(self.writing.yaml(added), self.places[path].column - 1)
            )

    def value(self, path: Path, old: Any, new: Any, default: Any) -> Iterator[Edit]:
        if isinstance(old, dict) and isinstance(new, dict):
            yield from self.block(path, old, new, default or {})
        elif isinstance(old, list) and isinstance(new, list):
            if old != new:
                yield from self.items(path, old, new)
        elif isinstance(old, bool) != isinstance(new, bool) or old != new:
            yield self._scalar(path, old, new)

    def items(self, path: Path, old: list[Any], new: list[Any]) -> Iterator[Edit]:
        if not old or not new or self.places[path].style != "block":
            raise Unpatchable
        names, wanted = _names(old, new)
        if len(set(names)) < len(names) or len(set(wanted)) < len(wanted):
            raise Unpatchable
        numbers = {name: number for number, name in enumerate(names)}
        kept = rising([numbers[name] for name in wanted if name in numbers])
        if not kept:
            raise Unpatchable
        for gone in set(range(len(old))) - kept:
            yield self._without((*path, gone), self._dash((*path, gone)))
        rows: list[tuple[int | None, Any]] = [
            (number if (number := numbers.get(name)) in kept else None, item)
            for name, item in zip(wanted, new, strict=True)
        ]
        for number, item in rows:
            if number is not None:
                yield from self.value((*path, number), old[number], item, None)
        yield from self._inserted(path, rows)

    def _inserted(self, path: Path, rows: list[tuple[int | None, Any]]) -> Iterator[Edit]:
        """rows: the items as wanted, with the places of those that stand there already."""
        first = self._line_start(self._dash((*path, 0)))
        column = self._dash((*path, 0)) - first
        before: int | None = None
        waiting: list[Any] = []
        for number, item in [*rows, (-1, None)]:
            if number is None:
                waiting.append(item)
                continue
            if waiting:
                new = _shifted(self.writing.yaml(waiting), column, cut=2)
                if before is None:
                    yield first, first, new
                else:
                    yield self._after(self.places[(*path, before)], new)
            waiting, before = [], number

    def _scalar(self, path: Path, old: Any, new: Any) -> Edit:
        place = self.places[path]
        if place.style not in ("plain", "quoted") or place.start == place.end:
            raise Unpatchable
        if isinstance(old, dict | list) or isinstance(new, dict | list) or new is None:
            raise Unpatchable
        written = self.writing.yaml({"k": new})[3:-1]
        if "\n" in written or "\n" in self.text[place.start : place.end]:
            raise Unpatchable
        return place.start, place.end, written

    def _without(self, path: Path, start: int) -> Edit:
        """The lines of an entry that begins here; a comment behind its last value goes with it."""
        first = self._line_start(start)
        if self.text[first:start].strip(" "):
            raise Unpatchable
        return first, self._line_end(self.places[path]), ""

    def _after(self, place: Place, new: str) -> Edit:
        end = self._line_end(place)
        return end, end, new if self.text[:end].endswith("\n") else f"\n{new}"

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, place: Place) -> int:
        """Behind the line in which a value ends, where nothing but a comment follows it."""
        end = place.end
        while end > place.start and self.text[end - 1] in " \n":
            end -= 1
        rest = _REST.match(self.text, end)
        if rest is None:
            raise Unpatchable
        return rest.end()

    def _key_start(self, path: Path) -> int:
        place = self.places[path]
        line = self._line_start(place.start)
        while line and self.text.count("\n", 0, line) + 1 > place.key_line:
            line = self._line_start(line - 1)
        return line + place.key_column - 1

    def _dash(self, path: Path) -> int:
        dash = self.text.rfind("-", 0, self.places[path].start)
        line = self._line_start(dash)
        if self.text[line:dash].strip(" ") or self.text[dash + 1 : self.places[path].start].strip():
            raise Unpatchable
        return dash


_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")


def _names(old: list[Any], new: list[Any]) -> tuple[list[str], list[str]]:
    """What the items of both lists are known by. A block that became another at its place, as a node
    with a new id, is one and the same."""
    names, wanted = [_name(item) for item in old], [_name(item) for item in new]
    if len(names) == len(wanted):
        before, after = set(names), set(wanted)
        for at, (was, now) in enumerate(zip(names, wanted, strict=True)):
            if isinstance(old[at], dict) and was not in after and now not in before:
                names[at] = now
    return names, wanted


def _name(item: Any) -> str:
    """What an item is known by in its list: its id, or all that it says."""
    if isinstance(item, dict) and isinstance(item.get("id"), str):
        return f"id {item['id']}"
    return json.dumps(item, sort_keys=True)


def _shifted(yaml: str, columns: int, cut: int = 0) -> str:
    """Written lines moved to the right; empty ones stay empty."""
    return "".join(_moved(yaml.splitlines(keepends=True), " " * columns, cut))


def _moved(lines: Iterable[str], margin: str, cut: int) -> Iterator[str]:
    for line in lines:
        yield margin + line[cut:] if line.strip() else line
