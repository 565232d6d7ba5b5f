"""JSON with the place of every value, which the standard library's reader does not keep.

Stricter than that one, too: NaN, huge numbers, keys that stand twice and lone surrogates are refused
at their place.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]
from typing import Any, Final

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
from apps.projects.domain.yaml_nodes import short

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,300})(\.[0-9]{1,300})?([eE][-+]?[0-9]{1,4})?")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_WORDS: Final = {"true": True, "false": False, "null": None}


def read_json(text: str) -> Document:
    """Raises Refused, and nothing else, whatever the text is."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.document = Document()
        self.lines = [0, *(found.end() for found in re.finditer("\n", text))]

    def read(self) -> Document:
        self.document.value = self._value((), 0)
        self._skip()
        if self.at < len(self.text):
            raise self._wrong("There is something after the end of the JSON value")
        return self.document

    def _value(self, path: Path, depth: int) -> Any:
        self._skip()
        place = self._place(self.at)
        if depth > MAX_DEPTH:
            raise too_deep(place)
        if len(self.document.places) >= MAX_VALUES:
            raise too_many(place)
        self.document.places[path] = place
        sign = self.text[self.at : self.at + 1]
        if sign == "{":
            return self._object(path, depth)
        if sign == "[":
            return self._array(path, depth)
        if sign == '"':
            return self._string()
        return self._word()

    def _object(self, path: Path, depth: int) -> dict[str, Any]:
        block: dict[str, Any] = {}
        self.at += 1
        while not self._closes("}", first=not block):
            start = self.at
            if self.text[start : start + 1] != '"':
                raise self._wrong("A key in double quotes is expected")
            key = self._string()
            if key in block:
                self.at = start
                raise self._wrong(f"The key “{short(key)}” stands here a second time")
            self._skip()
            if self.text[self.at : self.at + 1] != ":":
                raise self._wrong("A colon is expected after the key")
            self.at += 1
            block[key] = self._value((*path, key), depth + 1)
        return block

    def _array(self, path: Path, depth: int) -> list[Any]:
        items: list[Any] = []
        self.at += 1
        while not self._closes("]", first=not items):
            items.append(self._value((*path, len(items)), depth + 1))
        return items

    def _closes(self, bracket: str, *, first: bool) -> bool:
        """Steps over the bracket or the comma, and says which."""
        self._skip()
        sign = self.text[self.at : self.at + 1]
        if sign == bracket:
            self.at += 1
            return True
        if not first:
            if sign != ",":
                raise self._wrong(f"A comma or {bracket} is expected")
            self.at += 1
            self._skip()
        return False

    def _string(self) -> str:
        start = self.at
        try:
            value, self.at = scanstring(self.text, start + 1, True)
        except JSONDecodeError as error:
            self.at = error.pos
            raise self._wrong(error.msg) from error
        if _SURROGATE.search(value) or "\0" in value:
            self.at = start
            raise self._wrong("A text with NUL or half of a surrogate pair cannot be stored")
        return str(value)

    def _word(self) -> Any:
        if found := _NUMBER.match(self.text, self.at):
            self.at = found.end()
            whole = found.group(2) is None and found.group(3) is None
            return int(found.group()) if whole else float(found.group())
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        raise self._wrong("A value is expected")

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _place(self, at: int) -> Place:
        line = bisect_right(self.lines, at)
        return line, at - self.lines[line - 1] + 1

    def _wrong(self, problem: str) -> Refused:
        place = self._place(min(self.at, len(self.text)))
        return Refused("import.syntax", f"This is not valid JSON: {problem}.", place)
