"""What every fake server has: a thread of its own with an event loop, a port, and what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass
class Recorded:
    """One request as it came. at: by `time.perf_counter()`"""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    at: float = field(default_factory=time.perf_counter)


class Threaded:
    """A server in a thread of its own. As a context manager, or start() and stop()."""

    name = "fake"

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.requests: list[Recorded] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def _listen(self) -> None:
        """Take connections from now on, and set `port`."""
        raise NotImplementedError

    async def _close(self) -> None:
        """End what is open; the loop stops after it."""
        raise NotImplementedError

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()

    @property
    def busy(self) -> int:
        """Requests that are being answered."""
        raise NotImplementedError

    @property
    def root(self) -> str:
        return f"http://{self.host}:{self.port}"

    def wait_until_idle(self, timeout_s: float = 5.0) -> bool:
        """True once nothing is open; False if something still is after timeout_s."""
        deadline = time.monotonic() + timeout_s
        while self.busy and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.busy == 0

    def start(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(ready,), name=self.name, daemon=True
        )
        self._thread.start()
        if not ready.wait(10) or not self.port:
            raise RuntimeError("the fake server did not start")
        return self

    def stop(self) -> None:
        if self._loop and self._thread and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, ready: threading.Event) -> None:
        loop = self._loop = self._new_loop()
        try:
            loop.run_until_complete(self._listen())
            ready.set()
            loop.run_forever()
        finally:
            ready.set()
            loop.run_until_complete(self._close())
            loop.close()
