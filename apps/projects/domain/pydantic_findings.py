"""pydantic's errors as Findings in words a person can act on."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from apps.projects.domain import shape
from apps.projects.domain.findings import Finding
from apps.projects.domain.shape import Path
from apps.projects.domain.yaml_nodes import short

MAX_FINDINGS = 100


def from_validation(error: ValidationError) -> list[Finding]:
    details = error.errors(include_url=False, include_context=True)
    findings = [_finding(detail) for detail in details[:MAX_FINDINGS]]
    if len(details) > MAX_FINDINGS:
        more = len(details) - MAX_FINDINGS
        findings.append(Finding("spec.more", f"{more:,} further problems are not listed."))
    return findings


def _finding(detail: ErrorDetails) -> Finding:
    path: Path = tuple(detail["loc"])
    kind = detail["type"]
    if kind == "missing":
        return _missing(path)
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if kind == "literal_error":
        return _not_a_choice(path, detail["input"])
    if kind in _BOUNDS:
        return _out_of_range(path, detail["input"])
    if kind == "string_too_long":
        limit = (detail.get("ctx") or {}).get("max_length", 0)
        return Finding(
            "spec.value.too-long",
            f"{_name(path)} has {len(str(detail['input'])):,} characters; at most {limit:,} fit.",
            path,
        )
    if kind == "string_pattern_mismatch":
        return Finding(
            "spec.value.name",
            f"{_name(path)} is “{short(detail['input'])}”. Use a-z, 0-9 and single hyphens, "
            "beginning with a letter.",
            path,
        )
    if kind == "finite_number":
        return Finding("spec.value.type", f"{_name(path)} must be a finite number.", path)
    return _wrong_type(path, detail["input"])


_BOUNDS = frozenset(("greater_than", "greater_than_equal", "less_than", "less_than_equal"))


def _missing(path: Path) -> Finding:
    return Finding(
        "spec.key.missing", f"{_name(path)} is missing. Add {path[-1]}: with a value.", path
    )


def _unknown_key(path: Path) -> Finding:
    allowed = shape.keys_at(path[:-1])
    key = short(path[-1])
    hint = did_you_mean(key, allowed) or f" Known here: {', '.join(allowed)}."
    where = f"in {_name(path[:-1])}" if path[:-1] else "at the top level"
    return Finding("spec.key.unknown", f"The key “{key}” is not known {where}.{hint}", path)


def _not_a_choice(path: Path, value: Any) -> Finding:
    choices = [str(choice) for choice in shape.choices_at(path)]
    hint = did_you_mean(str(value), choices)
    if len(choices) == 1:
        message = f"{_name(path)} is {_said(value)}. It must be {choices[0]}."
    else:
        message = f"{_name(path)} is {_said(value)}. Use one of {', '.join(choices)}.{hint}"
    return Finding("spec.value.choice", message, path)


def _out_of_range(path: Path, value: Any) -> Finding:
    allowed = shape.range_at(path)
    words = allowed.in_words() if allowed else "in its range"
    return Finding(
        "spec.value.out-of-range", f"{_name(path)} is {_said(value)}. It must be {words}.", path
    )


def _wrong_type(path: Path, value: Any) -> Finding:
    return Finding(
        "spec.value.type",
        f"{_name(path)} is {_said(value)}. It must be {shape.kind_at(path)}.",
        path,
    )


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """ " Did you mean …?" or nothing."""
    if len(word) > 64:
        return ""
    folded = {one.lower().replace("_", "").replace("-", ""): one for one in known}
    plain = word.lower().replace("_", "").replace("-", "")
    near = difflib.get_close_matches(plain, list(folded), n=1, cutoff=0.6)
    return f" Did you mean {folded[near[0]]}?" if near else ""


def _name(path: Path) -> str:
    if not path:
        return "The file"
    words = ".".join(str(part) for part in path if isinstance(part, str))
    if isinstance(path[-1], int):
        return f"Item {path[-1] + 1} of {words}"
    return words


def _said(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a block of keys"
    if isinstance(value, list):
        return "a list"
    return f"“{short(value)}”" if isinstance(value, str) else short(value)
