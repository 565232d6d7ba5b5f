"""The store behind a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from apps.runtime import http
from apps.runtime.resources import ModelServer
from apps.runtime.stores.base import Store
from apps.runtime.stores.errors import StoreWrong
from apps.runtime.stores.kept import close_all
from apps.runtime.stores.milvus import Milvus
from apps.runtime.stores.pgvector import PgVector
from apps.runtime.stores.qdrant import Qdrant


def _redis(server: ModelServer) -> Store:
    from apps.runtime.stores.redis import Redis  # noqa: PLC0415 - its client takes 7 MiB

    return Redis(server)


STORES: Final[dict[str, Callable[[ModelServer], Store]]] = {
    "redis": _redis,
    "qdrant": Qdrant,
    "milvus": Milvus,
    "pgvector": PgVector,
}


def open_store(server: ModelServer) -> Store:
    """Nothing is sent yet. Raises StoreWrong for a server of another kind."""
    made = STORES.get(server.kind)
    if made is None:
        reason = f"the connection is of kind “{server.kind}”"
        raise StoreWrong(service=server.name, url=server.base_url, reason=reason)
    return made(server)


async def close_stores() -> None:
    """Close what the running loop keeps open; the next request opens anew."""
    await close_all()
    await http.close_sessions()
