"""How an engine talks to its parent: one plan on stdin, JSON lines on stdout, an error event at the end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import orjson

from apps.runtime.errors import StudioError

try:
    import uvloop
except ImportError:  # Windows
    uvloop = None  # type: ignore[assignment]

Emit = Callable[[dict[str, Any]], None]


def read_plan() -> dict[str, Any]:
    plan: dict[str, Any] = orjson.loads(sys.stdin.buffer.read())
    return plan


def emit(event: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(event) + b"\n")
    sys.stdout.buffer.flush()


def run_async(work: Coroutine[Any, Any, None]) -> None:
    """asyncio.run on the fastest loop there is."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if uvloop else None) as runner:
        runner.run(work)


def run_engine(work: Coroutine[Any, Any, None]) -> None:
    """Run it; an expected failure becomes the error event that `engine_events` raises again."""
    try:
        run_async(work)
    except StudioError as error:
        emit({"type": "error", "code": error.code, "message": str(error)})
