"""Whose request it is where proxies stand in front: what they wrote is believed, what the client wrote is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


def behind_proxies(app: App, count: int) -> App:
    """The ASGI application as seen by people behind `count` proxies of ours, from the nearest outwards.

    Each proxy adds the address that asked it at the right of X-Forwarded-For, so the person's is the
    `count`th from the right. Anything further left was sent by the client itself: believing it would
    let a guesser of passwords be somebody else with every request.
    """

    async def seen(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope = {**scope, **_told(scope["headers"], count)}
        await app(scope, receive, send)

    return seen


def _told(headers: list[tuple[bytes, bytes]], count: int) -> Scope:
    told: Scope = {}
    if scheme := _values(headers, b"x-forwarded-proto")[-1:]:
        told |= {"scheme": scheme[0]} if scheme[0] in {"http", "https"} else {}
    if addresses := _values(headers, b"x-forwarded-for")[-count:]:
        told |= {"client": (addresses[0], 0)}
    return told


def _values(headers: list[tuple[bytes, bytes]], wanted: bytes) -> list[str]:
    """The comma-separated values of a header, which may be there more than once."""
    text = ",".join(value.decode("latin-1") for name, value in headers if name == wanted)
    return [part.strip() for part in text.split(",") if part.strip()]
