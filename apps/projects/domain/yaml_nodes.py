"""A YAML document as plain values with the place of every key and value.

Reads parser events instead of loading: what a spec never needs (tags, anchors, several documents,
huge or deep input) is refused at its line before anything is built from it.

The events are libyaml's, ten times as fast as ruamel's parser. Which text is YAML, and what its error
is called, ruamel's still says: by the rules of YAML 1.2, where libyaml knows those of 1.1.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml as libyaml
from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import RoundTripScanner

from apps.projects.domain.shape import Path

MAX_BYTES = 1024 * 1024
MAX_CONTENT_CHARS = 320 * 1024
"""Without comment lines. A flow of 500 nodes with all their settings has 250 kB; keeps saving near a second."""
MAX_LINES = 20_000
MAX_NODES = 25_000
"""A flow of 500 nodes and 2,000 edges has 24,000 values with a position and five settings per node."""
MAX_SLOW_CHARS = 100_000
"""Of a text that libyaml refuses: what ruamel's parser judges within a second."""
MAX_DEPTH = 24
TOO_DEEP = f"This is nested more than {MAX_DEPTH} levels deep. A project file needs five."


@dataclass(frozen=True, slots=True)
class Place:
    """1-based positions of a value and of the key before it (the value's own where it has no key).

    start, end   where its characters begin and end in the text; the end of a block is its last value's
    style        "plain", "quoted", "text" (| and >), "flow" ({} and []), "block" or "alias"
    """

    line: int
    column: int
    key_line: int
    key_column: int
    start: int = 0
    end: int = 0
    style: str = "plain"


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
    odd = _DIFFERS.search(text)
    if odd is None:
        try:
            return _Builder(libyaml.parse(text, Loader=_LOADER), libyaml.events).build()
        except (libyaml.YAMLError, ValueError) as error:
            refused = error
        if len(text) > MAX_SLOW_CHARS and isinstance(refused, libyaml.MarkedYAMLError):
            raise _syntax(refused) from refused
    elif len(text) > MAX_SLOW_CHARS:
        raise Unreadable(
            "spec.yaml.character",
            f"The character U+{ord(odd[0]):04X} may stand only in a file of up to "
            f"{MAX_SLOW_CHARS:,} characters. Remove it here, or write it as an escape in quotes.",
            *_line_of(text, odd.start()),
        )
    return _read_slowly(text)


_LOADER: Final = getattr(libyaml, "CSafeLoader", libyaml.SafeLoader)
_DIFFERS: Final = re.compile("[\x85\u2028\u2029\ufeff]|^%", re.MULTILINE)
"""What YAML 1.1 and 1.2 read differently: the ends of lines, and directives."""
STUMBLES: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What ruamel raises beside its own errors when comments stand where it expects none, and the like."""


def _read_slowly(text: str) -> Document:
    yaml = YAML(typ="rt", pure=True)
    yaml.Scanner = _ShallowScanner
    builder = _Builder(yaml.parse(io.StringIO(text)), events)
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
        raise _syntax(error) from error
    except (YAMLError, *STUMBLES) as error:
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
    """kinds: the module of the event classes; ruamel's and libyaml's have the same names."""

    def __init__(self, events: Iterator[Any], kinds: Any) -> None:
        self.events, self.kinds = events, kinds
        self.document = Document()
        self.nodes = 0
        self.line = 1
        self.documents = 0

    def build(self) -> Document:
        for event in self.events:
            if isinstance(event, self.kinds.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    raise _at(
                        event,
                        "spec.yaml.several-documents",
                        "A second document starts here (---). Keep one project per file.",
                    )
            elif isinstance(event, self.kinds.NodeEvent):
                self.document.value = self._node(event, (), None, 0)[0]
        return self.document

    def _node(self, event: Any, path: Path, key: Any | None, depth: int) -> tuple[Any, int]:
        """The value, and where it ends."""
        self._refuse(event, depth)
        if isinstance(event, self.kinds.ScalarEvent):
            value, end = scalar_value(event), event.end_mark.index
            style = _STYLES.get(event.style, "plain")
        elif isinstance(event, self.kinds.MappingStartEvent):
            value, end = self._mapping(event, path, depth)
            style = "flow" if event.flow_style else "block"
        elif isinstance(event, self.kinds.SequenceStartEvent):
            value, end = self._sequence(event, path, depth)
            style = "flow" if event.flow_style else "block"
        else:
            raise _at(event, "spec.yaml.syntax", "A value is expected here.")
        mark, key_mark = event.start_mark, (key or event).start_mark
        self.document.places[path] = Place(
            mark.line + 1,
            mark.column + 1,
            key_mark.line + 1,
            key_mark.column + 1,
            mark.index,
            end,
            style,
        )
        return value, end

    def _mapping(self, event: Any, path: Path, depth: int) -> tuple[dict[str, Any], int]:
        block: dict[str, Any] = {}
        end = event.end_mark.index
        while not isinstance(key := next(self.events), self.kinds.MappingEndEvent):
            self._refuse(key, depth)
            if not isinstance(key, self.kinds.ScalarEvent):
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
            block[name], end = self._node(next(self.events), (*path, name), key, depth + 1)
        return block, key.end_mark.index if event.flow_style else end

    def _sequence(self, event: Any, path: Path, depth: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        end = event.end_mark.index
        while not isinstance(inner := next(self.events), self.kinds.SequenceEndEvent):
            item, end = self._node(inner, (*path, len(items)), None, depth + 1)
            items.append(item)
        return items, inner.end_mark.index if event.flow_style else end

    def _refuse(self, event: Any, depth: int) -> None:
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
        if event.anchor or isinstance(event, self.kinds.AliasEvent):
            raise _at(
                event,
                "spec.yaml.alias",
                "Anchors (&name) and aliases (*name) are not allowed. Write the value out.",
            )
        if event.tag is not None:
            raise _at(
                event,
                "spec.yaml.tag",
                "Tags (!name) are not allowed. Write the plain value; quote it to make it text.",
            )


_STYLES: Final = {"'": "quoted", '"': "quoted", "|": "text", ">": "text"}
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
    if event.style == ">":
        # ruamel's scanner marks with BEL where it joined lines.
        text = text.replace("\a", "")
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


_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def check_text(event: Any, text: str) -> None:
    """NUL and lone surrogates cannot be stored or sent as UTF-8."""
    if _UNSTORABLE.search(text):
        raise _at(
            event,
            "spec.yaml.character",
            "This text holds a character that cannot be stored (NUL or half of a surrogate "
            "pair). Remove the escape.",
        )


def _at(event: Any, code: str, message: str) -> Unreadable:
    return Unreadable(code, message, event.start_mark.line + 1, event.start_mark.column + 1)


def short(value: object, limit: int = 40) -> str:
    """One line of text for a message."""
    line = " ".join(str(value).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _syntax(error: Any) -> Unreadable:
    """In the words of the parser that refused the text, with the place that it names."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", "") or getattr(error, "context", "") or "unreadable"
    problem = " ".join(str(said).split())
    hint = next((hint for sign, hint in _HINTS if sign in problem), "")
    message = f"This line is not valid YAML: {problem}.{' ' + hint if hint else ''}"
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Unreadable("spec.yaml.syntax", message, line, column)


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
