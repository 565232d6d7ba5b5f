"""Asks whether a vector store is there, lets us in and can search vectors."""

from __future__ import annotations

import time

from apps.connections.domain.guard import check_url
from apps.connections.domain.probe import LIST_TIMEOUT_S, ProbeResult
from apps.connections.errors import AddressRefused, UrlRefused
from apps.runtime.errors import KeyRefused, ServiceUnavailable, StudioError
from apps.runtime.resources import ModelServer
from apps.runtime.stores.base import About
from apps.runtime.stores.errors import NoVectorSearch, StoreWrong
from apps.runtime.stores.opening import close_stores, open_store

NAME = "The server"
CODES: tuple[tuple[type[StudioError], str], ...] = (
    (KeyRefused, "connections.key"),
    (ServiceUnavailable, "connections.unreachable"),
    (NoVectorSearch, "connections.no-vectors"),
    (StoreWrong, "connections.not-store"),
)


async def probe_store(
    base_url: str, api_key: str, kind: str, *, allow_private: bool
) -> ProbeResult:
    """Its version and how long it took to answer. Never raises for what the server does."""
    try:
        target = check_url(base_url, allow_private=allow_private, kind=kind)
    except (UrlRefused, AddressRefused) as error:
        return ProbeResult("failed", error.code, str(error), base_url=base_url)
    server = ModelServer(
        NAME,
        target.url,
        api_key,
        stall_timeout_s=LIST_TIMEOUT_S,
        kind=kind,  # type: ignore[arg-type]
    )
    try:
        store = open_store(server)
        await store.about()  # opens the connection, so that the second one tells the latency
        started = time.perf_counter()
        about = await store.about()
    except StudioError as error:
        return ProbeResult("failed", _code(error), str(error), base_url=target.url)
    finally:
        await close_stores()
    elapsed_ms = (time.perf_counter() - started) * 1000
    return ProbeResult("ok", "ok", _said(about), reply_ms=elapsed_ms, base_url=target.url)


def _said(about: About) -> str:
    name = f"{about.product} {about.version}".strip()
    notes = f" {about.notes}" if about.notes else ""
    return f"{name} answers and can search vectors.{notes}"


def _code(error: StudioError) -> str:
    return next((code for kind, code in CODES if isinstance(error, kind)), error.code)
