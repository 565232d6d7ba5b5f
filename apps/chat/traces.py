"""What each step of an answer did, in words for its page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apps.ui.numbers import filesize

UNSAID = frozenset({"passages"})
"""Ports whose values the page shows in a form of their own."""


def steps_of(trace: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The kept steps with notes, `into` and `out` as (name, text); steps that were skipped last."""
    steps = [
        {
            **step,
            "notes": [_note(name, value) for name, value in step.get("notes", {}).items()],
            "into": _ports(step.get("in")),
            "out": _ports(step.get("out")),
        }
        for step in trace
    ]
    return sorted(steps, key=lambda step: bool(step.get("skipped")))


def _note(name: str, value: Any) -> tuple[str, str]:
    if name == "size_bytes":
        return "Size", filesize(value)
    words = name.replace("_", " ")
    return words[0].upper() + words[1:], f"{value:,}" if isinstance(value, int) else str(value)


def _ports(values: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    said = ((name, text_of(value)) for name, value in (values or {}).items() if name not in UNSAID)
    return [(name, text) for name, text in said if text]


def text_of(value: Any) -> str:
    """One port's value: turns as "user: …", media as type and size, lists a line each."""
    if isinstance(value, Mapping):
        if "mime" in value:
            return (
                f"{value.get('name') or 'A file'}, {value['mime']}, {filesize(value['size_bytes'])}"
            )
        if "role" in value:
            media = [text_of(one) for one in value.get("media") or ()]
            return "\n".join([f"{value['role']}: {value.get('content', '')}", *media])
        parts = {name: text_of(item) for name, item in value.items()}
        return "\n".join(f"{name}: {text}" for name, text in parts.items() if text)
    if isinstance(value, list):
        return "\n".join(filter(None, map(text_of, value)))
    return "" if value is None else str(value)
