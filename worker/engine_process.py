"""Runs a heavy engine as a child process: plan as JSON on stdin, JSON lines out.

The child never imports Django. A line on stdout is one event; stderr is its log. The child ends
when its events are exhausted, when the caller stops iterating, or when `stop()` turns true.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from apps.runtime.errors import StudioError

ROOT = Path(__file__).resolve().parent.parent
POLL_S = 0.25
GRACE_S = 5.0


class EngineFailed(StudioError):
    code = "engine.failed"
    sentence = "The engine {engine} ended with exit code {returncode}: {reason}"


class EngineReported(StudioError):
    """An error event of the engine, with the engine's own code and sentence."""

    code = "engine.reported"
    sentence = "{message}"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message=message)
        self.code = code  # type: ignore[misc]


def engine_events(
    module: str, plan: dict[str, Any], *, stop: Callable[[], bool] = lambda: False
) -> Generator[dict[str, Any]]:
    """Yield the engine's events until it ends.

    An event {"type": "error", "code", "message"} raises EngineReported. Raises EngineFailed if the
    child dies without a result, with the last lines of its stderr. Stops quietly after `stop()`.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=_environment(),
        start_new_session=True,
    )
    lines: queue.Queue[bytes | None] = queue.Queue(maxsize=256)
    errors: deque[str] = deque(maxlen=30)
    threads = [
        threading.Thread(target=_pump, args=(child, lines), daemon=True),
        threading.Thread(target=_collect, args=(child, errors), daemon=True),
        threading.Thread(target=_feed, args=(child, plan), daemon=True),
    ]
    for thread in threads:
        thread.start()
    stopped = False
    try:
        while not (stopped := stop()):
            try:
                line = lines.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if line is None:
                break
            event = orjson.loads(line)
            if event.get("type") == "error":
                raise EngineReported(event["code"], event["message"])
            yield event
    finally:
        _end(child)
        for thread in threads[1:]:
            thread.join(timeout=1)
    if not stopped and child.returncode:
        reason = "\n".join(errors).strip()[-2000:] or "no message"
        raise EngineFailed(engine=module, returncode=child.returncode, reason=reason)


def _environment() -> dict[str, str]:
    """The child gets what a program needs to start and nothing of ours: no secrets, no settings."""
    keep = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "STUDIO_MODEL_CACHE")
    return {name: os.environ[name] for name in keep if name in os.environ} | {
        "PYTHONUNBUFFERED": "1"
    }


def _feed(child: subprocess.Popen[bytes], plan: dict[str, Any]) -> None:
    assert child.stdin  # noqa: S101 - PIPE was asked for
    with suppress(BrokenPipeError):
        child.stdin.write(orjson.dumps(plan))
        child.stdin.close()


def _pump(child: subprocess.Popen[bytes], lines: queue.Queue[bytes | None]) -> None:
    assert child.stdout  # noqa: S101 - PIPE was asked for
    for line in child.stdout:
        if line.strip() and line.endswith(b"\n"):  # not the last words of a killed engine
            lines.put(line)
    child.wait()
    lines.put(None)


def _collect(child: subprocess.Popen[bytes], errors: deque[str]) -> None:
    assert child.stderr  # noqa: S101 - PIPE was asked for
    for line in child.stderr:
        errors.append(line.decode(errors="replace").rstrip())


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
