"""Reads uploaded datasets: CSV, JSON Lines and JSON. What is wrong is said with its line.

One question per row. Columns by any of their usual names, in any order and case:

question      question, query, prompt, input, user_input, …     required
references    reference, answer, ground_truth, expected, …      accepted answers
relevant      relevant, document, source, …                     documents that hold the answer
evidence      evidence, quote, supporting_fact, …               words the right passage contains

Lists are JSON lists; in CSV also `||` between entries (and `;` between documents). Rows that ask
the same question become one question with all their references.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from apps.evaluations.domain.dataset_formats import Row, RowError, read_rows
from apps.projects.domain.findings import Finding

MAX_BYTES = 20 * 1024 * 1024
MAX_QUESTIONS = 10_000
MAX_QUESTION_CHARS = 8_000
MAX_VALUE_CHARS = 50_000
MAX_LIST = 50
MAX_FINDINGS = 200
"""After so many the file is called hopeless and reading stops."""

ALIASES: dict[str, tuple[str, ...]] = {
    "question": ("question", "questions", "query", "prompt", "input", "user_input", "instruction"),
    "references": (
        "reference", "references", "answer", "answers", "reference_answer", "reference_answers",
        "ground_truth", "ground_truths", "expected", "expected_answer", "expected_output", "target",
        "targets", "ideal", "gold", "gold_answer", "correct_answer", "output",
    ),
    "relevant": (
        "relevant", "relevant_document", "relevant_documents", "relevant_docs", "document",
        "documents", "source", "sources", "source_document", "file", "expected_documents",
    ),
    "evidence": (
        "evidence", "evidences", "quote", "quotes", "supporting_fact", "supporting_facts",
        "reference_context", "reference_contexts", "context_phrase",
    ),
}  # fmt: skip
_FIELD_OF = {alias: name for name, aliases in ALIASES.items() for alias in aliases}


@dataclass(frozen=True, slots=True)
class ParsedQuestion:
    """line: where it stands in the file, from 1."""

    text: str
    references: tuple[str, ...] = ()
    relevant: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class ParsedDataset:
    """questions is empty where findings hold an error: nothing is taken in by halves."""

    format: str
    questions: tuple[ParsedQuestion, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(item for item in self.findings if item.severity == "error")


@dataclass
class _Reading:
    findings: list[Finding] = field(default_factory=list)
    questions: dict[str, ParsedQuestion] = field(default_factory=dict)

    def error(self, code: str, message: str, line: int = 0, column: int = 0) -> None:
        self.findings.append(Finding(f"dataset.{code}", message, line=line, column=column))

    def warn(self, code: str, message: str, line: int = 0) -> None:
        self.findings.append(Finding(f"dataset.{code}", message, severity="warning", line=line))

    @property
    def hopeless(self) -> bool:
        return len(self.findings) >= MAX_FINDINGS


def parse_dataset(data: bytes, file_name: str = "") -> ParsedDataset:
    """Read a whole file. The suffix decides the format where it is known, else the content does."""
    reading = _Reading()
    if len(data) > MAX_BYTES:
        size, limit = len(data) / 2**20, MAX_BYTES // 2**20
        reading.error("too-large", f"The file has {size:.1f} MB; the limit is {limit} MB.")
        return ParsedDataset("", findings=tuple(reading.findings))
    rows = read_rows(data, file_name)
    _collect(rows.rows, reading)
    if not reading.questions and not reading.findings:
        reading.error("empty", "The file has no questions. Put one question per row.")
    failed = any(item.severity == "error" for item in reading.findings)
    _warn_of_gaps(reading)
    return ParsedDataset(
        rows.format,
        () if failed else tuple(reading.questions.values()),
        tuple(reading.findings),
    )


def _collect(rows: Iterator[Row], reading: _Reading) -> None:
    count = 0
    try:
        for row in rows:
            count += 1
            if count == 1 and not _check_columns(row, reading):
                return
            if count > MAX_QUESTIONS:
                reading.error(
                    "too-many",
                    f"The file has more than {MAX_QUESTIONS:,} questions; split it.",
                    row.line,
                )
                return
            _take(row, reading)
            if reading.hopeless:
                reading.error("hopeless", f"Stopped after {MAX_FINDINGS} findings.", row.line)
                return
    except RowError as error:
        reading.error(error.code, error.message, error.line, error.column)


def _check_columns(row: Row, reading: _Reading) -> bool:
    """Say what the first row's columns mean for the whole file; False if there is no question."""
    names = list(row.values)
    if not _has_question(row.values):
        seen = ", ".join(f"“{name}”" for name in names[:8]) or "none"
        reading.error(
            "missing-column",
            f"There is no column for the question (question, query, prompt or input). Found: {seen}.",
            row.header_line,
        )
        return False
    known = {_field_of(name) for name in names}
    if "references" not in known:
        reading.warn(
            "no-references",
            "There is no column with reference answers (reference, answer, ground_truth …): "
            "exact match, F1 and ROUGE-L will be n/a.",
            row.header_line,
        )
    if unknown := [name for name in names if name and not _field_of(name)]:
        listed = ", ".join(f"“{name}”" for name in unknown[:8])
        reading.warn("unknown-column", f"Not used: {listed}.", row.header_line)
    return True


def _take(row: Row, reading: _Reading) -> None:
    values: dict[str, list[str]] = {name: [] for name in ALIASES}
    for column, value in row.values.items():
        if name := _field_of(column):
            try:
                values[name] += _texts(value, name)
            except ValueError as error:
                reading.error("bad-value", f"Column “{column}”: {error}.", row.line)
                return
    if not values["question"]:
        reading.error("empty-question", "The question is empty.", row.line)
        return
    text = values["question"][0]
    if len(text) > MAX_QUESTION_CHARS:
        reading.error(
            "too-long",
            f"The question has {len(text):,} characters; the limit is {MAX_QUESTION_CHARS:,}.",
            row.line,
        )
        return
    _add(
        ParsedQuestion(
            text,
            tuple(dict.fromkeys(values["references"])),
            tuple(dict.fromkeys(values["relevant"])),
            tuple(dict.fromkeys(values["evidence"])),
            row.line,
        ),
        reading,
    )


def _add(new: ParsedQuestion, reading: _Reading) -> None:
    key = " ".join(new.text.casefold().split())
    old = reading.questions.get(key)
    if old is None:
        reading.questions[key] = new
        return
    reading.questions[key] = ParsedQuestion(
        old.text,
        tuple(dict.fromkeys(old.references + new.references))[:MAX_LIST],
        tuple(dict.fromkeys(old.relevant + new.relevant))[:MAX_LIST],
        tuple(dict.fromkeys(old.evidence + new.evidence))[:MAX_LIST],
        old.line,
    )
    reading.warn(
        "duplicate",
        f"Asks the same as line {old.line}; its references were added to that question.",
        new.line,
    )


def _warn_of_gaps(reading: _Reading) -> None:
    without = [item.line for item in reading.questions.values() if not item.references]
    if without and len(without) < len(reading.questions):
        reading.warn(
            "no-reference",
            f"{len(without)} of {len(reading.questions)} questions have no reference answer; they "
            "do not count in exact match, F1 and ROUGE-L.",
            without[0],
        )


def _has_question(values: Mapping[str, Any]) -> bool:
    return any(_field_of(name) == "question" for name in values)


def _field_of(column: str) -> str | None:
    name = re.sub(r"[\s\-]+", "_", column.strip().lower())
    return _FIELD_OF.get(name) or _FIELD_OF.get(re.sub(r"_?\d+$", "", name))


def _texts(value: Any, name: str) -> list[str]:
    """The non-empty texts of one cell or JSON value. Raises ValueError with what is wrong."""
    if isinstance(value, Mapping) and isinstance(value.get("text"), (list, str)):
        value = value["text"]  # SQuAD: {"text": […], "answer_start": […]}
    items = value if isinstance(value, list) else _split(value, name)
    texts = [_text(item) for item in items]
    texts = [text for text in texts if text]
    if len(texts) > MAX_LIST:
        raise ValueError(f"has {len(texts)} entries; the limit is {MAX_LIST}")
    return texts


def _split(value: Any, name: str) -> list[Any]:
    if not isinstance(value, str) or name == "question":
        return [value]
    text = value.strip()
    if text.startswith("[") and text.endswith("]"):
        try:
            items = orjson.loads(text)
        except orjson.JSONDecodeError:
            items = None
        if isinstance(items, list):
            return items
    return re.split(r"\s*(?:\|\||[;\n])\s*" if name == "relevant" else r"\s*\|\|\s*", text)


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and isinstance(value.get("text"), str):
        value = value["text"]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("holds an object where text was expected")
    text = unicodedata.normalize("NFC", value).strip()
    if "\x00" in text:
        raise ValueError("holds a NUL character")
    if len(text) > MAX_VALUE_CHARS:
        raise ValueError(f"has {len(text):,} characters; the limit is {MAX_VALUE_CHARS:,}")
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("holds half of a surrogate pair, which is no character")
    return text
