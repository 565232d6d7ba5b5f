"""Reads a recorded event stream after its request has ended: which tokens came when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(slots=True)
class ParsedStream:
    """times_ns: clock of every event that carried text, as the chunk that completed it was read.

    completion_tokens comes from the server's usage, None if it sent none. error: the message of an
    error event, or what about the bytes was no protocol.
    """

    times_ns: list[int] = field(default_factory=list)
    completion_tokens: int | None = None
    prompt_tokens: int | None = None
    finish_reason: str = ""
    done: bool = False
    error: str = ""
    chars: int = 0

    @property
    def complete(self) -> bool:
        return self.done and bool(self.finish_reason) and not self.error


def parse_stream(chunks: Sequence[tuple[int, bytes]]) -> ParsedStream:
    """chunks: (clock in ns, bytes as read). Lines may be cut anywhere between chunks."""
    parsed = ParsedStream()
    rest = b""
    for clock, chunk in chunks:
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        for line in lines:
            if line.startswith(b"data:"):
                _take(line[5:].strip(), clock, parsed)
    return parsed


def _take(data: bytes, clock: int, parsed: ParsedStream) -> None:
    if data == b"[DONE]":
        parsed.done = True
        return
    try:
        event = orjson.loads(data)
        _take_event(event, clock, parsed)
    except (orjson.JSONDecodeError, AttributeError, TypeError, IndexError, KeyError):
        parsed.error = parsed.error or "an event that is not the protocol"


def _take_event(event: dict[str, Any], clock: int, parsed: ParsedStream) -> None:
    if error := event.get("error"):
        parsed.error = str(error.get("message") if isinstance(error, dict) else error)[:200]
        return
    if usage := event.get("usage"):
        parsed.completion_tokens = int(usage["completion_tokens"])
        parsed.prompt_tokens = int(usage.get("prompt_tokens", 0))
    for choice in event.get("choices") or ():
        delta = choice.get("delta") or {}
        text = delta.get("content") or delta.get("reasoning_content") or ""
        if text:
            parsed.times_ns.append(clock)
            parsed.chars += len(text)
        if choice.get("finish_reason"):
            parsed.finish_reason = str(choice["finish_reason"])
