"""Connections that are kept open between requests, one idle list per event loop and server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

C = TypeVar("C")
IDLE = 16
"""Idle connections kept per server."""
IDLE_S = 30.0
"""Shorter than what firewalls commonly allow a silent connection."""


class Kept(Generic[C]):
    """close: ends a connection for good; awaited, and its failures are nobody's concern.

    alive: whether an idle one may still be used, said without waiting
    """

    def __init__(self, close: Callable[[C], Awaitable[None]], alive: Callable[[C], bool]) -> None:
        self._close, self._alive = close, alive
        self._loops: WeakKeyDictionary[
            asyncio.AbstractEventLoop, dict[Hashable, list[tuple[C, float]]]
        ] = WeakKeyDictionary()
        _everything.append(self)

    @asynccontextmanager
    async def lease(self, key: Hashable, make: Callable[[], Awaitable[C]]) -> AsyncIterator[C]:
        """A connection of one's own for the block; after a failure in it, it is not used again."""
        found = await self._idle(key) or await make()
        try:
            yield found
        except BaseException:
            await self._end(found)
            raise
        idle = self._mine().setdefault(key, [])
        if len(idle) < IDLE:
            idle.append((found, time.monotonic()))
        else:
            await self._end(found)

    async def forget(self, key: Hashable) -> None:
        """Close what is idle for this key."""
        for found, _ in self._mine().pop(key, []):
            await self._end(found)

    async def close(self) -> None:
        """Close the running loop's connections."""
        for key in list(self._mine()):
            await self.forget(key)
        self._loops.pop(asyncio.get_running_loop(), None)

    async def _idle(self, key: Hashable) -> C | None:
        idle = self._mine().get(key, [])
        while idle:
            found, since = idle.pop()
            if time.monotonic() - since < IDLE_S and self._alive(found):
                return found
            await self._end(found)
        return None

    async def _end(self, found: C) -> None:
        with suppress(Exception):
            await asyncio.shield(self._close(found))

    def _mine(self) -> dict[Hashable, list[tuple[C, float]]]:
        return self._loops.setdefault(asyncio.get_running_loop(), {})


_everything: list[Kept[Any]] = []


async def close_all() -> None:
    """Close what the running loop keeps open of every kind."""
    for kept in _everything:
        await kept.close()
