"""Vector stores of every kind for tests: two real ones, two small ones of our own, each behind a proxy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import redis
from django.conf import settings

from apps.runtime.resources import ModelServer, ServerKind
from tests.fakes.proxy import Proxy
from tests.fakes.vector_stores import FakeMilvus, FakeQdrant
from tests.servers import postgresql, redis_stack
from tests.servers.ports import free_port

PASSWORD = "s3cret-of-the-store"
KINDS: tuple[ServerKind, ...] = ("redis", "qdrant", "milvus", "pgvector")


@dataclass
class VectorStore:
    """server leads to the proxy. wipe: as an administrator would who empties everything."""

    kind: ServerKind
    server: ModelServer
    proxy: Proxy
    wipe: Callable[[], None]
    stop: Callable[[], None]

    @property
    def stranger(self) -> ModelServer:
        """The same server with a wrong password."""
        return replace(self.server, api_key="a-wrong-password")


def running(kind: ServerKind) -> Iterator[VectorStore]:
    """For a fixture. Its folder lies where the database server's account may go."""
    folder = Path(tempfile.mkdtemp(dir=settings.DATA_DIR))
    folder.chmod(0o755)
    started = start(kind, folder / "d")
    yield started
    started.stop()


def start(kind: ServerKind, folder: Path) -> VectorStore:
    port, wipe, stop = {
        "redis": _redis,
        "pgvector": _pgvector,
        "qdrant": lambda _: _fake(FakeQdrant(PASSWORD)),
        "milvus": lambda _: _fake(FakeMilvus(PASSWORD)),
    }[kind](folder)
    proxy = Proxy(port)
    proxy.start()
    url = {
        "redis": "redis://127.0.0.1:{}/0",
        "pgvector": "postgresql://studio@127.0.0.1:{}/postgres",
    }.get(kind, "http://127.0.0.1:{}")
    server = ModelServer(
        name=f"my-{kind}", base_url=url.format(proxy.port), api_key=PASSWORD, kind=kind
    )

    def stop_both() -> None:
        proxy.stop()
        stop()

    return VectorStore(kind, server, proxy, wipe, stop_both)


def _redis(folder: Path) -> tuple[int, Callable[[], None], Callable[[], None]]:
    server = redis_stack.start(folder, PASSWORD)

    def flush() -> None:
        with redis.Redis(port=server.port, password=PASSWORD) as client:
            client.flushall()

    return server.port, flush, server.stop


def _pgvector(folder: Path) -> tuple[int, Callable[[], None], Callable[[], None]]:
    port = free_port()
    postgresql.start(folder, port, PASSWORD)

    def drop_all() -> None:
        with psycopg.connect(
            host="127.0.0.1", port=port, user="studio", password=PASSWORD, dbname="postgres"
        ) as connection:
            found = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
            for (name,) in found:
                connection.execute(
                    psycopg.sql.SQL("DROP TABLE {}").format(psycopg.sql.Identifier(name))
                )

    return port, drop_all, lambda: postgresql.pause(folder)


def _fake(server: FakeQdrant | FakeMilvus) -> tuple[int, Callable[[], None], Callable[[], None]]:
    server.start()
    return server.port, server.tables.clear, server.stop
