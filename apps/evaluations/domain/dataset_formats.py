"""Cuts a file into rows: character set, delimiter, JSON Lines and JSON, each row with its line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from charset_normalizer import from_bytes

DELIMITERS = (",", ";", "\t", "|")
ONE_COLUMN = "\x1f"
"""A delimiter that no text holds: a file with a single column may have commas in its cells."""
LIST_KEYS = ("questions", "data", "examples", "samples", "items", "rows")
FIELD_LIMIT = 1_000_000
"""Characters in one CSV cell; the csv module's own limit is 131,072."""
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    values: dict[str, Any]
    header_line: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    format: str
    rows: Iterator[Row]


class RowError(Exception):
    """The file cannot be read on from here. code continues "dataset."."""

    def __init__(self, code: str, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.code, self.message, self.line, self.column = code, message, line, column


def read_rows(data: bytes, file_name: str) -> Rows:
    """Name the format and read lazily; a RowError comes while iterating."""
    try:
        text = decode(data)
    except RowError as error:
        return Rows("", _raise(error))
    suffix = PurePath(file_name).suffix.lower()
    if suffix in {".jsonl", ".ndjson"}:
        return Rows("jsonl", _json_lines(text))
    if suffix == ".json" or (suffix not in {".csv", ".tsv"} and text.lstrip()[:1] in {"[", "{"}):
        return _json(text)
    return Rows("csv", _csv(text))


def decode(data: bytes) -> str:
    """The file's text: by its byte order mark, as UTF-8, or as the likeliest older character set."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decoded(data, encoding)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if b"\x00" in data[:4096]:
        raise RowError("not-text", "The file is not text. Save it as CSV or JSON Lines in UTF-8.")
    best = from_bytes(data[:200_000]).best()
    return _decoded(data, best.encoding if best else "cp1252")


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"The file is not valid {encoding}. Save it as UTF-8."
        raise RowError("charset", message, line) from error


def delimiter_of(text: str) -> str:
    """The delimiter whose header has most columns and whose first rows agree with it."""
    sample = "".join(text.splitlines(keepends=True)[:30])
    best = max(DELIMITERS, key=lambda delimiter: _fit(sample, delimiter))
    return best if _fit(sample, best)[1] else ONE_COLUMN


def _fit(sample: str, delimiter: str) -> tuple[float, int]:
    try:
        rows = [
            row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row
        ]
    except csv.Error:
        return (0.0, 0)
    if not rows or len(rows[0]) < 2:
        return (0.0, 0)
    width = len(rows[0])
    return (sum(len(row) == width for row in rows) / len(rows), width)


def _csv(text: str) -> Iterator[Row]:
    csv.field_size_limit(FIELD_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), strict=True)
    header: list[str] = []
    header_line, start = 0, 1
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header, header_line = _header(cells, line), line
                continue
            if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
                raise RowError(
                    "columns",
                    f"This row has {len(cells)} cells, the header has {len(header)}. Put cells "
                    "that hold the delimiter in double quotes.",
                    line,
                )
            yield Row(line, dict(zip(header, cells, strict=False)), header_line)
    except csv.Error as error:
        raise RowError(
            "csv", f"The row that starts here is not valid CSV: {error}.", start
        ) from error


def _header(cells: list[str], line: int) -> list[str]:
    header = [cell.strip() for cell in cells]
    names = [name.lower() for name in header if name]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise RowError("columns", f"Two columns are called “{twice}”.", line)
    return header


def _json_lines(text: str) -> Iterator[Row]:
    for line, raw in enumerate(text.split("\n"), start=1):
        if not raw.strip():
            continue
        try:
            value = json.loads(raw)
        except json.JSONDecodeError as error:
            raise RowError("json", f"Not valid JSON: {error.msg}.", line, error.colno) from error
        except (RecursionError, ValueError) as error:
            raise RowError("json", "JSON that is nested too deep or too large.", line) from error
        yield Row(line, _object(value, line), line)


def _json(text: str) -> Rows:
    """One list of objects, or an object with such a list; a file of several objects is JSON Lines."""
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text.lstrip().startswith("{"):
            return Rows("jsonl", _json_lines(text))
        message = f"Not valid JSON: {error.msg}."
        return Rows("json", _raise(RowError("json", message, error.lineno, error.colno)))
    except (RecursionError, ValueError):
        return Rows("json", _raise(RowError("json", "JSON that is nested too deep or too large.")))
    if isinstance(whole, dict) and not any(isinstance(whole.get(key), list) for key in LIST_KEYS):
        return Rows("json", iter([Row(1, whole, 1)]))
    return Rows("json", _json_items(text))


def _json_items(text: str) -> Iterator[Row]:
    decoder, position = json.JSONDecoder(), _list_start(text)
    line, counted = 1, 0
    while True:
        while text[position] in " \t\r\n,":
            position += 1
        if text[position] == "]":
            return
        line += text.count("\n", counted, position)
        counted = position
        value, position = decoder.raw_decode(text, position)
        yield Row(line, _object(value, line), line)


def _list_start(text: str) -> int:
    """Where the list's first item may start. The text is known to be valid JSON."""
    position = len(text) - len(text.lstrip())
    if text[position] == "[":
        return position + 1
    if text[position] != "{":
        raise RowError("json", "Expected a list of questions.", 1)
    decoder, position = json.JSONDecoder(), position + 1
    while True:
        while text[position] in " \t\r\n,":
            position += 1
        key, position = decoder.raw_decode(text, position)
        while text[position] in " \t\r\n:":
            position += 1
        if key in LIST_KEYS and text[position] == "[":
            return position + 1
        _, position = decoder.raw_decode(text, position)


def _object(value: Any, line: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RowError("json", "Every entry must be an object with a question.", line)
    return value


def _raise(error: RowError) -> Iterator[Row]:
    raise error
    yield
