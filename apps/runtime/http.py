"""One aiohttp session per event loop, shared by everything that talks to servers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver

CONNECTIONS, CONNECTIONS_PER_SERVER = 2000, 1000
"""Open at once. A stream holds one for its whole life."""
KEEP_ALIVE_S = 15.0
"""Shorter than what servers commonly keep, so that fewer reused connections are found dead."""
READ_BUFFER_BYTES = 256 * 1024

_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = WeakKeyDictionary()
_fresh: WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = WeakKeyDictionary()

_resolver: Callable[[], AbstractResolver] | None = None


def use_resolver(factory: Callable[[], AbstractResolver]) -> None:
    """Resolve names through this in every session opened from now on, to refuse what they lead to."""
    global _resolver
    _resolver = factory


def session() -> aiohttp.ClientSession:
    """The running loop's session. Requests pass a dict as trace_request_ctx to learn `reused`."""
    loop = asyncio.get_running_loop()
    found = _shared.get(loop)
    if found is None or found.closed:
        found = _shared[loop] = _session(keep_alive=True)
    return found


def fresh_session() -> aiohttp.ClientSession:
    """A session whose every request opens a connection of its own."""
    loop = asyncio.get_running_loop()
    found = _fresh.get(loop)
    if found is None or found.closed:
        found = _fresh[loop] = _session(keep_alive=False)
    return found


async def close_sessions() -> None:
    """Close the running loop's sessions; the next request opens new ones."""
    loop = asyncio.get_running_loop()
    for kept in (_shared, _fresh):
        if found := kept.pop(loop, None):
            await found.close()


def _session(*, keep_alive: bool) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=CONNECTIONS,
        limit_per_host=CONNECTIONS_PER_SERVER,
        ttl_dns_cache=60,
        resolver=_resolver() if _resolver else None,
        **({"keepalive_timeout": KEEP_ALIVE_S} if keep_alive else {"force_close": True}),
    )
    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(_note_reuse)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "genai-studio"},
        read_bufsize=READ_BUFFER_BYTES,
        trace_configs=[trace],
    )


async def _note_reuse(
    session: aiohttp.ClientSession,
    context: object,
    params: aiohttp.TraceConnectionReuseconnParams,
) -> None:
    noted = getattr(context, "trace_request_ctx", None)
    if isinstance(noted, dict):
        noted["reused"] = True


async def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a name, for what does not speak HTTP; the guard sees them all the same.

    Raises OSError for a name that is not known.
    """
    resolver = _resolver() if _resolver else ThreadedResolver()
    try:
        found = await resolver.resolve(host, port, socket.AF_UNSPEC)
    finally:
        await resolver.close()
    return [one["host"] for one in found]
