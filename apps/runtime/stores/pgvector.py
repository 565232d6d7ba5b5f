"""A PostgreSQL of one's own with pgvector. A table is a table.

No index on the vectors: every one is compared. Names of tables are made here, never given.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import sql

from apps.runtime.errors import ServiceRefused, ServiceUnavailable
from apps.runtime.resources import ModelServer
from apps.runtime.stores.addresses import place_of
from apps.runtime.stores.base import (
    WRITE_TIMEOUT_S,
    About,
    Ranking,
    Shape,
    Vectors,
    patience_s,
)
from apps.runtime.stores.errors import NoVectorSearch, PasswordRefused, StoreMissing, StoreWrong
from apps.runtime.stores.kept import Kept
from apps.runtime.stores.sockets import answering, reachable

CANCEL_S = 1.0
"""How long a server is asked to give up a query that nobody waits for any more."""


class Connection(psycopg.AsyncConnection[Any]):
    async def cancel_safe(self, *, timeout: float = CANCEL_S) -> None:  # noqa: ASYNC109 - psycopg asks so
        """A server that does not hear this either is left: the connection is closed."""
        try:
            await super().cancel_safe(timeout=min(timeout, CANCEL_S))
        except psycopg.Error:
            self.pgconn.finish()
            raise


MOST_DIMENSIONS = 16_000
"""pgvector's limit for a column of type vector."""
EXTENSION = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
AVAILABLE = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
NO_EXTENSION = (
    "its database has no extension “vector”, and this user may not add it. Let its administrator "
    "install pgvector and run there: CREATE EXTENSION vector"
)
NOT_INSTALLED = (
    "pgvector is not installed on that server. Install it there, e.g. its image pgvector/pgvector"
)


async def _close(connection: Connection) -> None:
    await connection.close()


def _alive(connection: Connection) -> bool:
    """A server that went away has closed its end, which is read without waiting."""
    try:
        connection.pgconn.consume_input()
    except psycopg.Error:
        return False
    return not connection.broken


connections: Kept[Connection] = Kept(_close, _alive)


class PgVector:
    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self._key = (server.base_url, server.api_key)

    async def about(self) -> About:
        async with self._connection(patience_s(self.server)) as connection:
            version = connection.info.server_version // 10_000
            made = await _first(connection, EXTENSION)
            offered = made or await _first(connection, AVAILABLE)
        if not offered:
            raise NoVectorSearch(service=self.server.name, reason=NOT_INSTALLED)
        notes = f"pgvector {offered}" + ("." if made else ", to be added when it is first used.")
        return About("PostgreSQL", str(version), notes)

    async def shape(self, table: str) -> Shape | None:
        async with self._connection(patience_s(self.server)) as connection:
            dimension = await _first(
                connection,
                "SELECT atttypmod FROM pg_attribute WHERE attrelid = to_regclass(%s) "
                "AND attname = 'vector'",
                [table],
            )
            if dimension is None:
                return None
            count = await _first(connection, _sql("SELECT count(*) FROM {}", table))
        return Shape(int(dimension), int(count))

    async def document_of(self, table: str, row: str) -> str:
        async with self._connection(patience_s(self.server)) as connection:
            query = _sql("SELECT document FROM {} WHERE id = %s", table)
            return str(await _first(connection, query, [row]) or "")

    async def create(self, table: str, dimension: int) -> None:
        if dimension > MOST_DIMENSIONS:
            reason = f"pgvector keeps vectors of {MOST_DIMENSIONS:,} numbers at most"
            raise NoVectorSearch(service=self.server.name, reason=reason)
        columns = (
            f"id uuid PRIMARY KEY, document text NOT NULL, vector vector({dimension}) NOT NULL"
        )
        async with self._connection(WRITE_TIMEOUT_S) as connection:
            if not await _first(connection, EXTENSION):
                await self._add_extension(connection)
            await connection.execute(_sql(f"CREATE TABLE {{}} ({columns})", table))
            await connection.execute(_sql("CREATE INDEX ON {} (document)", table))

    async def put(
        self, table: str, ids: Sequence[str], documents: Sequence[str], vectors: Vectors
    ) -> None:
        """Through a table of this transaction, which takes a fifth of the time of single INSERTs."""
        rows = zip(ids, documents, vectors.tolist(), strict=True)
        async with self._connection(WRITE_TIMEOUT_S) as connection, connection.transaction():
            await connection.execute(
                _sql("CREATE TEMP TABLE incoming (LIKE {}) ON COMMIT DROP", table)
            )
            async with (
                connection.cursor() as cursor,
                cursor.copy("COPY incoming (id, document, vector) FROM STDIN") as copy,
            ):
                for name, document, vector in rows:
                    await copy.write_row((name, document, str(vector)))
            await connection.execute(
                _sql(
                    "INSERT INTO {} (id, document, vector) SELECT id, document, vector FROM incoming "
                    "ON CONFLICT (id) DO UPDATE SET document = excluded.document, "
                    "vector = excluded.vector",
                    table,
                )
            )

    async def remove(self, table: str, documents: Sequence[str]) -> None:
        async with self._connection(WRITE_TIMEOUT_S) as connection:
            query = _sql("DELETE FROM {} WHERE document = ANY(%s)", table)
            await connection.execute(query, [list(documents)])

    async def nearest(self, table: str, vector: Vectors, n: int) -> Ranking:
        query = _sql(
            "SELECT id::text, 1 - (vector <=> %(asked)s::vector) FROM {} "
            "ORDER BY vector <=> %(asked)s::vector, id LIMIT %(n)s",
            table,
        )
        async with self._connection(patience_s(self.server)) as connection:
            found = await connection.execute(query, {"asked": str(vector.tolist()), "n": n})
            return [(name, float(score)) for name, score in await found.fetchall()]

    async def drop(self, table: str) -> None:
        async with self._connection(WRITE_TIMEOUT_S) as connection:
            await connection.execute(_sql("DROP TABLE IF EXISTS {}", table))

    async def _add_extension(self, connection: Connection) -> None:
        try:
            await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except psycopg.errors.InsufficientPrivilege as error:
            raise NoVectorSearch(service=self.server.name, reason=NO_EXTENSION) from error
        except (psycopg.errors.UndefinedFile, psycopg.errors.FeatureNotSupported) as error:
            raise NoVectorSearch(service=self.server.name, reason=NOT_INSTALLED) from error

    @asynccontextmanager
    async def _connection(self, timeout_s: float) -> AsyncIterator[Connection]:
        """A connection that is signed in, and its faults in words."""
        place = place_of(self.server.base_url)
        address = await reachable(self.server, place.host, place.port)
        key = (*self._key, address)
        try:
            async with (
                answering(self.server, self.server.connect_timeout_s + timeout_s),
                connections.lease(key, lambda: self._connect(address)) as connection,
            ):
                yield connection
        except psycopg.Error as error:
            raise self._refusal(error) from error

    async def _connect(self, address: str) -> Connection:
        place = place_of(self.server.base_url)
        options: dict[str, Any] = {"sslmode": place.sslmode} if place.sslmode else {}
        async with answering(self.server, self.server.connect_timeout_s):
            return await Connection.connect(
                host=place.host,
                hostaddr=address,
                port=place.port,
                user=place.user,
                password=self.server.api_key,  # "" keeps libpq from looking into the environment
                dbname=place.database,
                connect_timeout=max(2, round(self.server.connect_timeout_s)),
                application_name="genai-studio",
                autocommit=True,
                passfile="/dev/null",
                **options,
            )

    def _refusal(self, error: psycopg.Error) -> Exception:
        name, said = self.server.name, self._clean(str(error))
        if isinstance(error, psycopg.errors.UndefinedTable):
            return StoreMissing(service=name)
        if isinstance(error, psycopg.errors.ConnectionTimeout):
            wait_s = self.server.connect_timeout_s
            return ServiceUnavailable(service=name, reason=f"no connection within {wait_s:g} s")
        if error.sqlstate is not None:
            return ServiceRefused(service=name, reason=said)
        if re.search(r"password|authentication failed|pg_hba|role .* does not exist", said):
            return PasswordRefused(service=name)
        if re.search(r"database .* does not exist", said):
            return StoreWrong(service=name, url=self.server.base_url, reason=said)
        if "Connection refused" in said:
            return ServiceUnavailable(service=name, reason="it refuses connections")
        return ServiceUnavailable(service=name, reason=said)

    def _clean(self, said: str) -> str:
        if self.server.api_key:
            said = said.replace(self.server.api_key, "***")
        return " ".join(said.split())[:300].rstrip(".")


async def _first(connection: Connection, query: Any, values: Sequence[Any] = ()) -> Any:
    row = await (await connection.execute(query, values or None)).fetchone()
    return row[0] if row else None


def _sql(text: str, table: str) -> sql.Composed:
    return sql.SQL(text).format(sql.Identifier(table))
