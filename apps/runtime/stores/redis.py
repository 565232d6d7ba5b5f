"""Redis with its query engine (Redis 8, Redis Stack). A table is an index over hashes of one prefix.

The index is FLAT: every vector is compared. Hashes are `table:row`, with the document as a tag.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from apps.runtime.errors import KeyRefused, ServiceRefused, ServiceUnavailable
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
from apps.runtime.stores.wire import NotRedis, Refused, Wire, connect

AT_ONCE = 1000
"""Keys in one round of a removal."""
NO_ENGINE = (
    "it is a Redis without the query engine. Redis 8, Redis Stack and Redis Cloud have it; for an "
    "older one load the module RediSearch"
)
NO_INDEX = ("unknown index name", "no such index", "index not found")

wires: Kept[Wire] = Kept(Wire.close, lambda wire: wire.alive)


class Redis:
    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self._key = (server.base_url, server.api_key)

    async def about(self) -> About:
        async with self._wire(patience_s(self.server)) as wire:
            told = _lines(await wire.ask("INFO", "server"))
            await wire.ask("FT._LIST")
        return About("Redis", told.get("redis_version", ""))

    async def shape(self, table: str) -> Shape | None:
        try:
            told = _pairs(await self._ask("FT.INFO", table))
        except StoreMissing:
            return None
        dimension = 0
        for row in told.get("attributes", []):
            attribute = _pairs(row)
            if _text(attribute.get("type", "")).upper() == "VECTOR":
                dimension = int(attribute.get("dim", 0))
        return Shape(dimension, int(told["num_docs"]))

    async def document_of(self, table: str, row: str) -> str:
        found = await self._ask("HGET", f"{table}:{row}", "document")
        return _text(found) if found is not None else ""

    async def create(self, table: str, dimension: int) -> None:
        """Hashes left over from an index that somebody dropped go first."""
        await self._unlink_all(table)
        schema = ["document", "TAG", "vector", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32"]
        schema += ["DIM", dimension, "DISTANCE_METRIC", "COSINE"]
        await self._ask(
            "FT.CREATE", table, "ON", "HASH", "PREFIX", 1, f"{table}:", "SCHEMA", *schema
        )

    async def put(
        self, table: str, ids: Sequence[str], documents: Sequence[str], vectors: Vectors
    ) -> None:
        rows = np.ascontiguousarray(vectors, "<f4")
        commands = [
            ("HSET", f"{table}:{name}", "document", document, "vector", row.tobytes())
            for name, document, row in zip(ids, documents, rows, strict=True)
        ]
        async with self._wire(WRITE_TIMEOUT_S) as wire:
            await wire.ask_all(commands)

    async def remove(self, table: str, documents: Sequence[str]) -> None:
        for document in documents:
            while keys := await self._keys_of(table, document):
                await self._ask("UNLINK", *keys, timeout_s=WRITE_TIMEOUT_S)

    async def nearest(self, table: str, vector: Vectors, n: int) -> Ranking:
        asked = np.ascontiguousarray(vector, "<f4").tobytes()
        found = await self._ask(
            *("FT.SEARCH", table, "*=>[KNN $n @vector $asked AS distance]"),
            *("PARAMS", 4, "n", n, "asked", asked),
            *("SORTBY", "distance", "RETURN", 1, "distance", "LIMIT", 0, n, "DIALECT", 2),
            *("TIMEOUT", int(patience_s(self.server) * 1000)),
        )
        rows = zip(found[1::2], found[2::2], strict=True)
        first = len(table) + 1
        return [(_text(key)[first:], 1.0 - float(values[1])) for key, values in rows]

    async def drop(self, table: str) -> None:
        try:
            await self._ask("FT.DROPINDEX", table, "DD", timeout_s=WRITE_TIMEOUT_S)
        except StoreMissing:
            await self._unlink_all(table)

    async def _keys_of(self, table: str, document: str) -> list[bytes]:
        query = f"@document:{{{document}}}"
        found = await self._ask(
            "FT.SEARCH", table, query, "NOCONTENT", "LIMIT", 0, AT_ONCE, "DIALECT", 2
        )
        return list(found[1:])

    async def _unlink_all(self, table: str) -> None:
        async with self._wire(WRITE_TIMEOUT_S) as wire:
            cursor: Any = b"0"
            while True:
                cursor, keys = await wire.ask(
                    "SCAN", cursor, "MATCH", f"{table}:*", "COUNT", AT_ONCE
                )
                if keys:
                    await wire.ask("UNLINK", *keys)
                if cursor == b"0":
                    return

    async def _ask(self, *words: Any, timeout_s: float | None = None) -> Any:
        async with self._wire(timeout_s or patience_s(self.server)) as wire:
            return await wire.ask(*words)

    @asynccontextmanager
    async def _wire(self, timeout_s: float) -> AsyncIterator[Wire]:
        """A connection that is signed in, and its faults in words."""
        try:
            address = await self._address()
            key = (*self._key, address)
            async with (
                answering(self.server, self.server.connect_timeout_s + timeout_s),
                wires.lease(key, lambda: self._signed_in(address)) as wire,
            ):
                yield wire
        except NotRedis as error:
            raise self._wrong("it does not speak Redis's protocol") from error
        except Refused as error:
            raise self._refusal(str(error)) from error

    async def _address(self) -> str:
        place = place_of(self.server.base_url)
        return await reachable(self.server, place.host, place.port)

    async def _signed_in(self, address: str) -> Wire:
        place = place_of(self.server.base_url)
        tls_name = place.host if place.scheme == "rediss" else ""
        async with answering(self.server, self.server.connect_timeout_s):
            return await connect(
                address,
                place.port,
                tls_name=tls_name,
                user=place.user,
                password=self.server.api_key,
                database=place.database,
            )

    def _refusal(self, said: str) -> Exception:
        word, name = said.partition(" ")[0], self.server.name
        if word in ("WRONGPASS", "NOAUTH") or "without any password" in said:
            return PasswordRefused(service=name)
        if word == "NOPERM":
            return KeyRefused(service=name)
        if word in ("LOADING", "MASTERDOWN", "CLUSTERDOWN"):
            return ServiceUnavailable(service=name, reason=self._clean(said))
        if any(words in said.lower() for words in NO_INDEX):
            return StoreMissing(service=name)
        if "unknown command" in said.lower() and "FT." in said:
            return NoVectorSearch(service=name, reason=NO_ENGINE)
        return ServiceRefused(service=name, reason=self._clean(said).rstrip("."))

    def _clean(self, said: str) -> str:
        if self.server.api_key:
            said = said.replace(self.server.api_key, "***")
        return " ".join(said.split())[:300]

    def _wrong(self, reason: str) -> StoreWrong:
        return StoreWrong(service=self.server.name, url=self.server.base_url, reason=reason)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _pairs(values: Any) -> dict[str, Any]:
    """Name and value in turn, as RESP2 writes a map. An attribute's flags stand alone at its end."""
    return {_text(name): value for name, value in zip(values[::2], values[1::2], strict=False)}


def _lines(told: Any) -> dict[str, str]:
    rows = (row.partition(":") for row in _text(told).splitlines())
    return {name: value for name, mark, value in rows if mark}
