"""Vector stores of every kind for tests: two real ones, two small ones of our own, each behind a proxy."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import redis

from apps.runtime.resources import ModelServer, ServerKind
from tests.fakes.proxy import Proxy
from tests.fakes.vector_stores import FakeMilvus, FakeQdrant
from tests.servers import postgresql, redis_stack
from tests.servers.ports import free_port

PASSWORD = "s3cret-of-the-store"
Parts = tuple[int, Callable[[], None], Callable[[], list[int]], Callable[[], None]]
KINDS: tuple[ServerKind, ...] = ("redis", "qdrant", "milvus", "pgvector")


@dataclass
class VectorStore:
    """server leads to the proxy.

    wipe   as an administrator would who empties everything
    rows   how many rows each table has
    """

    kind: ServerKind
    server: ModelServer
    proxy: Proxy
    wipe: Callable[[], None]
    rows: Callable[[], list[int]]
    stop: Callable[[], None]

    @property
    def stranger(self) -> ModelServer:
        """The same server with a wrong password."""
        return replace(self.server, api_key="a-wrong-password")


def running(kind: ServerKind) -> Iterator[VectorStore]:
    """For a fixture. Its folder lies where the database server's account may go."""
    folder = Path(tempfile.mkdtemp(prefix="studio-store-"))
    folder.chmod(0o755)
    started = start(kind, folder / "d")
    yield started
    started.stop()
    shutil.rmtree(folder, ignore_errors=True)


def start(kind: ServerKind, folder: Path) -> VectorStore:
    port, wipe, rows, stop = {
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

    return VectorStore(kind, server, proxy, wipe, rows, stop_both)


def _redis(folder: Path) -> Parts:
    server = redis_stack.start(folder, PASSWORD)

    def flush() -> None:
        with redis.Redis(port=server.port, password=PASSWORD) as client:
            client.flushall()

    def rows() -> list[int]:
        with redis.Redis(port=server.port, password=PASSWORD) as client:
            named = client.execute_command("FT._LIST")
            return [int(client.ft(name.decode()).info()["num_docs"]) for name in named]

    return server.port, flush, rows, server.stop


def _pgvector(folder: Path) -> Parts:
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

    def rows() -> list[int]:
        with psycopg.connect(
            host="127.0.0.1", port=port, user="studio", password=PASSWORD, dbname="postgres"
        ) as connection:
            named = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
            count = psycopg.sql.SQL("SELECT count(*) FROM {}")
            return [
                connection.execute(count.format(psycopg.sql.Identifier(name))).fetchall()[0][0]
                for (name,) in named
            ]

    return port, drop_all, rows, lambda: postgresql.pause(folder)


def _fake(server: FakeQdrant | FakeMilvus) -> Parts:
    server.start()

    def rows() -> list[int]:
        return [len(table.vectors) for table in server.tables.values()]

    return server.port, server.tables.clear, rows, server.stop
