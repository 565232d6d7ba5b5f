"""Calls of tools, as the fake model server makes them."""

from __future__ import annotations

import re
from typing import Any

import orjson

from tests.fakes.replies import content_of

CALLS = re.compile(r"^(call|then|always) (\w+) (.*)$", re.MULTILINE)


def called_tools(body: dict[str, Any]) -> list[tuple[str, str]]:
    """The tools that this model calls, as its user's last message says in lines of "call NAME JSON" (at
    once), "then NAME JSON" (after the first results) and "always NAME JSON" (every time)."""
    if not body.get("tools") or body.get("tool_choice") == "none":
        return []
    asked = next(turn for turn in reversed(body["messages"]) if turn["role"] == "user")
    rounds = sum(bool(turn.get("tool_calls")) for turn in body["messages"])
    when = ("call", "then")[rounds] if rounds < 2 else ""
    lines = CALLS.findall(content_of(asked))
    return [(name, arguments) for word, name, arguments in lines if word in (when, "always")]


def tool_calls(calls: list[tuple[str, str]], *, streamed: bool) -> tuple[bytes, str]:
    """A reply that calls them, as vLLM and OpenAI send it: arguments in pieces where it streams."""
    whole = [
        {"id": f"call_{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for at, (name, arguments) in enumerate(calls)
    ]
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    if not streamed:
        message = {"role": "assistant", "content": None, "tool_calls": whole}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return orjson.dumps({"id": "c", "choices": [choice], "usage": usage}), "application/json"
    deltas: list[dict[str, Any]] = []
    for at, call in enumerate(whole):
        name, arguments = calls[at]
        half = len(arguments) // 2
        first = {**call, "index": at, "function": {"name": name, "arguments": arguments[:half]}}
        rest = {"index": at, "function": {"arguments": arguments[half:]}}
        deltas += [{"tool_calls": [first]}, {"tool_calls": [rest]}]
    events: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
    ]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    events.append({"choices": [], "usage": usage})
    lines = [b"data: " + orjson.dumps(event) + b"\n\n" for event in events]
    return b"".join([*lines, b"data: [DONE]\n\n"]), "text/event-stream"
