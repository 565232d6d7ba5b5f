"""JSON requests to stores that speak HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson

from apps.runtime.errors import KeyRefused, RateLimited, ServiceUnavailable
from apps.runtime.resources import ModelServer
from apps.runtime.servers import BODY_LIMIT_BYTES, limited, network_faults, send, words_of
from apps.runtime.stores.errors import StoreWrong


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]


async def ask(
    server: ModelServer, method: str, path: str, body: Any = None, *, timeout_s: float
) -> Answer:
    """One request and its JSON object, whatever its status. Raises what the network does, KeyRefused,
    RateLimited, and StoreWrong for what is not JSON."""
    with network_faults(server):
        async with (
            asyncio.timeout(server.connect_timeout_s + timeout_s),
            await send(server, method, path, body) as response,
        ):
            data = await limited(response, BODY_LIMIT_BYTES)
    if response.status in (401, 403):
        raise KeyRefused(service=server.name)
    if response.status == 429:
        raise RateLimited(service=server.name, wait="")
    if response.status == 503:
        raise ServiceUnavailable(service=server.name, reason="it is not ready (HTTP 503)")
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise wrong(server, f"HTTP {response.status}, and no JSON object")
    return Answer(response.status, found)


def wrong(server: ModelServer, reason: str) -> StoreWrong:
    return StoreWrong(service=server.name, url=server.base_url, reason=reason)


def words(server: ModelServer, error: Any) -> str:
    """What a server says about a refusal, as a sentence without the key."""
    return words_of(server, error)
