"""Row work for the event loop: one hop to a few long-lived threads that keep their connections.

Not `sync_to_async`: under Django's ASGI handler that is a new thread, and so a new database connection,
for every request. SQLite gets one thread: it has one writer, and threads that fight for the
interpreter made the same work take twice as long.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connection

P = ParamSpec("P")
T = TypeVar("T")


async def in_rows(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a sync function that reads and writes rows; the caller's cancellation does not undo it."""
    call = partial(function, *args, **kwargs)
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads(), lambda: context.run(_with_connection, call))


def _with_connection(call: Callable[[], T]) -> T:
    try:
        return call()
    finally:
        close_old_connections()


@cache
def _threads() -> ThreadPoolExecutor:
    count = 1 if connection.vendor == "sqlite" else 4
    return ThreadPoolExecutor(count, thread_name_prefix="rows")
