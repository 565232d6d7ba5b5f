"""Threads for the embedded mode. Daemons, so that a long job never keeps a stopped server alive.

The standard executor joins its threads before any exit handler runs: Ctrl-C would wait for the
job's end. Here the exit handler first tells the jobs to stop, then waits a moment for them to say so.
"""

from __future__ import annotations

import atexit
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

GRACE_S = 8.0
"""How long a stopping process waits for its jobs to end their engines and note where they were."""


class Executor:
    def __init__(self, workers: int) -> None:
        self.stopping = threading.Event()
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = (
            queue.SimpleQueue()
        )
        self._threads = [
            threading.Thread(target=self._work, name=f"job-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()
        atexit.register(self.shutdown)

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._calls.put((future, lambda: function(*args)))
        return future

    def shutdown(self, wait: bool = True, cancel_futures: bool = True) -> None:
        """Tell running jobs to stop, drop waiting calls (their rows stay queued), wait up to GRACE_S."""
        self.stopping.set()
        atexit.unregister(self.shutdown)
        for _ in self._threads:
            self._calls.put(None)
        deadline = time.monotonic() + (GRACE_S if wait else 0)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while call := self._calls.get():
            future, function = call
            if self.stopping.is_set() or not future.set_running_or_notify_cancel():
                future.cancel()
                continue
            try:
                future.set_result(function())
            except BaseException as error:  # noqa: BLE001 - handed to whoever holds the future
                future.set_exception(error)
