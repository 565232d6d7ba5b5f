"""A YAML document as plain values with the place of every key and value.

Reads parser events instead of loading: what a spec never needs (tags, anchors, several documents,
huge or deep input) is refused at its line before anything is built from it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import RoundTripScanner

from apps.projects.domain.shape import Path

MAX_BYTES = 1024 * 1024
MAX_CONTENT_CHARS = 256 * 1024
"""Without comment lines. The longest valid spec is far smaller; keeps the parser under a second."""
MAX_LINES = 20_000
MAX_NODES = 5_000
MAX_DEPTH = 24
TOO_DEEP = f"This is nested more than {MAX_DEPTH} levels deep. A project file needs five."


@dataclass(frozen=True, slots=True)
class Place:
    """1-based positions of a value and of the key before it (the value's own where it has no key)."""

    line: int
    column: int
    key_line: int
    key_column: int


@dataclass(slots=True)
class Document:
    value: Any = None
    places: dict[Path, Place] = field(default_factory=dict)


class Unreadable(Exception):
    """The text is refused as a whole, at one place."""

    def __init__(self, code: str, message: str, line: int = 1, column: int = 1) -> None:
        self.code, self.message, self.line, self.column = code, message, line, column
        super().__init__(message)


def read(text: str) -> Document:
    """Raises Unreadable, and nothing else, whatever the text is."""
    _check_size(text)
    yaml = YAML(typ="rt", pure=True)
    yaml.Scanner = _ShallowScanner
    builder = _Builder(yaml.parse(io.StringIO(text)))
    try:
        return builder.build()
    except ReaderError as error:
        line, column = _line_of(text, error.position)
        raise Unreadable(
            "spec.yaml.character",
            f"The character U+{_codepoint(error.character):04X} may not stand in a YAML file. "
            "Remove it.",
            line,
            column,
        ) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(
            "spec.yaml.syntax",
            _syntax_sentence(error),
            mark.line + 1 if mark else 1,
            mark.column + 1 if mark else 1,
        ) from error
    except (YAMLError, ValueError, OverflowError, IndexError, AttributeError, TypeError) as error:
        raise Unreadable(
            "spec.yaml.syntax",
            "This is not readable as YAML from here on. Check quotes and escapes.",
            builder.line,
        ) from error


def _check_size(text: str) -> None:
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        kept = text.encode("utf-8", "surrogatepass")[:MAX_BYTES].decode("utf-8", "ignore")
        raise Unreadable(
            "spec.document.too-large",
            "The file is larger than 1 MiB. A project file holds settings only; put documents "
            "into a collection.",
            kept.count("\n") + 1,
        )
    content = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.lstrip().startswith("#"):
            content += len(line) + 1
        if content > MAX_CONTENT_CHARS or number > MAX_LINES:
            raise Unreadable(
                "spec.document.too-large",
                f"The file has more than {MAX_CONTENT_CHARS // 1024} KiB of settings or "
                f"{MAX_LINES:,} lines. A project file holds settings only; put documents into a "
                "collection.",
                number,
            )


class _ShallowScanner(RoundTripScanner):
    """Stops at deep brackets by itself: it looks ahead through all of them for every one."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: N803
        if len(self.flow_context) > MAX_DEPTH:
            mark = self.reader.get_mark()
            raise Unreadable("spec.yaml.too-deep", TOO_DEEP, mark.line + 1, mark.column + 1)
        super().fetch_flow_collection_start(TokenClass, to_push)


class _Builder:
    def __init__(self, events: Iterator[Event]) -> None:
        self.events = events
        self.document = Document()
        self.nodes = 0
        self.line = 1
        self.documents = 0

    def build(self) -> Document:
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    raise _at(
                        event,
                        "spec.yaml.several-documents",
                        "A second document starts here (---). Keep one project per file.",
                    )
            elif isinstance(event, NodeEvent):
                self.document.value = self._node(event, (), None, 0)
        return self.document

    def _node(self, event: Event, path: Path, key: Event | None, depth: int) -> Any:
        self._refuse(event, depth)
        mark, key_mark = event.start_mark, (key or event).start_mark
        self.document.places[path] = Place(
            mark.line + 1, mark.column + 1, key_mark.line + 1, key_mark.column + 1
        )
        if isinstance(event, MappingStartEvent):
            return self._mapping(path, depth)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path, depth)
        if isinstance(event, ScalarEvent):
            return scalar_value(event)
        raise _at(event, "spec.yaml.syntax", "A value is expected here.")

    def _mapping(self, path: Path, depth: int) -> dict[str, Any]:
        block: dict[str, Any] = {}
        while not isinstance(key := next(self.events), MappingEndEvent):
            self._refuse(key, depth)
            if not isinstance(key, ScalarEvent):
                raise _at(key, "spec.yaml.key", "A key must be plain text.")
            name = str(key.value)
            check_text(key, name)
            if name in block:
                first = self.document.places[(*path, name)].key_line
                raise _at(
                    key,
                    "spec.yaml.duplicate-key",
                    f"The key “{short(name)}” stands here a second time (first in line {first}). "
                    "Keep one of them.",
                )
            block[name] = self._node(next(self.events), (*path, name), key, depth + 1)
        return block

    def _sequence(self, path: Path, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            items.append(self._node(event, (*path, len(items)), None, depth + 1))
        return items

    def _refuse(self, event: Event, depth: int) -> None:
        self.nodes += 1
        self.line = event.start_mark.line + 1
        if self.nodes > MAX_NODES:
            raise _at(
                event, "spec.document.too-large", f"The file has more than {MAX_NODES:,} values."
            )
        if depth > MAX_DEPTH:
            raise _at(
                event,
                "spec.yaml.too-deep",
                TOO_DEEP,
            )
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise _at(
                event,
                "spec.yaml.alias",
                "Anchors (&name) and aliases (*name) are not allowed. Write the value out.",
            )
        if getattr(event, "ctag", None) is not None:
            raise _at(
                event,
                "spec.yaml.tag",
                "Tags (!name) are not allowed. Write the plain value; quote it to make it text.",
            )


_INT = re.compile(r"[-+]?[0-9]{1,300}\Z")
_OCTAL = re.compile(r"0o[0-7]{1,300}\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,300}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?\Z")
_SPECIAL = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


def scalar_value(event: Any) -> Any:
    """The value by the YAML 1.2 core schema, https://yaml.org/spec/1.2.2/#103-core-schema.

    event: a scalar of ruamel's parser or of libyaml's. Raises Unreadable for text that cannot be stored.
    """
    text = str(event.value)
    check_text(event, text)
    if event.style:
        return text
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _INT.match(text):
        return int(text)
    if _OCTAL.match(text):
        return int(text[2:], 8)
    if _HEX.match(text):
        return int(text[2:], 16)
    return float(text) if len(text) < 400 and _FLOAT.match(text) else text


def check_text(event: Any, text: str) -> None:
    """NUL and lone surrogates cannot be stored or sent as UTF-8."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise _at(
            event,
            "spec.yaml.character",
            "This text holds a character that cannot be stored (NUL or half of a surrogate "
            "pair). Remove the escape.",
        )


def _at(event: Event, code: str, message: str) -> Unreadable:
    return Unreadable(code, message, event.start_mark.line + 1, event.start_mark.column + 1)


def short(value: object, limit: int = 40) -> str:
    """One line of text for a message."""
    line = " ".join(str(value).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _syntax_sentence(error: MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context or "").split())
    hint = next((hint for sign, hint in _HINTS if sign in problem), "")
    return f"This line is not valid YAML: {problem or 'unreadable'}.{' ' + hint if hint else ''}"


_HINTS = (
    ("'\\t'", "Indent with spaces, not with tabs."),
    ("mapping values are not allowed", "Put the value in quotes if it contains a colon."),
    ("could not find expected ':'", "A key needs a colon and a space after it."),
    ("expected <block end>", "Check the indentation of this line against the one above."),
    ("end of stream", "A bracket or a quote that was opened is not closed."),
    ("<stream end>", "A bracket or a quote that was opened is not closed."),
)


def _line_of(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


def _codepoint(character: Any) -> int:
    return character if isinstance(character, int) else ord(str(character)[:1] or "\0")
