"""What each step of an answer did, in words for its page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apps.ui.numbers import filesize

UNSAID = frozenset({"passages"})
"""Ports whose values the page shows in a form of their own."""

NARROWEST_BAR = 1.0
"""Per cent; what took next to no time is still seen."""


def steps_of(trace: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The kept steps with notes, `into` and `out` as (name, text), and their place in the whole time;
    steps that were skipped last."""
    trace = list(trace)
    steps = [
        {
            **step,
            "bar": bar,
            "notes": [_note(name, value) for name, value in step.get("notes", {}).items()],
            "into": _ports(step.get("in")),
            "out": _ports(step.get("out")),
        }
        for step, bar in zip(trace, _bars(trace), strict=True)
    ]
    return sorted(steps, key=lambda step: bool(step.get("skipped")))


def _bars(trace: list[Mapping[str, Any]]) -> list[tuple[str, str] | None]:
    """(start, width) of each step in per cent of the whole time, None where it is not known.

    Replies of earlier releases kept no start: there a step begins where the one before it ended.
    """
    spans: list[tuple[float, float] | None] = []
    end = 0.0
    for step in trace:
        duration, start = step.get("duration_ms"), step.get("at_ms", end)
        spans.append(None if duration is None else (start, duration))
        end = start + (duration or 0.0)
    whole = max((start + duration for start, duration in filter(None, spans)), default=0.0)
    return [span and _percent(*span, whole) for span in spans]


def _percent(start: float, duration: float, whole: float) -> tuple[str, str] | None:
    if not whole:
        return None
    width = max(100 * duration / whole, NARROWEST_BAR)
    return f"{min(100 * start / whole, 100 - width):.1f}", f"{width:.1f}"


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
