"""Milvus by its REST API v2 (https://milvus.io/api-reference/restful). A table is a collection of its own.

Refusals come with HTTP 200 and a code. Searches read what was written before (consistency
"Strong"); the index is FLAT, which compares every vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from apps.runtime.errors import KeyRefused, RateLimited, ServiceRefused
from apps.runtime.resources import ModelServer
from apps.runtime.stores import rest
from apps.runtime.stores.base import (
    WRITE_TIMEOUT_S,
    About,
    Ranking,
    Shape,
    Vectors,
    patience_s,
)
from apps.runtime.stores.errors import StoreMissing

STRONG = "Strong"
ID, DOCUMENT, VECTOR = "id", "document", "vector"
ID_LENGTH = 64
NOT_FOUND = 100
RATE_LIMITED = 8
NOT_SIGNED_IN = (1800, 1801, 1802)
DOCUMENTS_AT_ONCE = 200


class Milvus:
    def __init__(self, server: ModelServer) -> None:
        self.server = server

    async def about(self) -> About:
        found = await self._ask("collections/list", {})
        if not isinstance(found, list):
            raise rest.wrong(self.server, "its list of collections is none")
        return About("Milvus", notes="It does not tell its version here.")

    async def shape(self, table: str) -> Shape | None:
        named = {"collectionName": table}
        if not (await self._ask("collections/has", named))["has"]:
            return None
        fields = (await self._ask("collections/describe", named))["fields"]
        counted = await self._query(table, "", ["count(*)"])
        return Shape(self._dimension(table, fields), int(counted[0]["count(*)"]))

    async def document_of(self, table: str, row: str) -> str:
        found = await self._query(table, f"{ID} == {_quoted(row)}", [DOCUMENT])
        return str(found[0][DOCUMENT]) if found else ""

    async def create(self, table: str, dimension: int) -> None:
        words = {"dataType": "VarChar", "elementTypeParams": {"max_length": ID_LENGTH}}
        vector = {"dataType": "FloatVector", "elementTypeParams": {"dim": dimension}}
        body = {
            "collectionName": table,
            "schema": {
                "autoId": False,
                "enabledDynamicField": False,
                "fields": [
                    {"fieldName": ID, "isPrimary": True, **words},
                    {"fieldName": DOCUMENT, **words},
                    {"fieldName": VECTOR, **vector},
                ],
            },
            "indexParams": [
                {
                    "fieldName": VECTOR,
                    "indexName": VECTOR,
                    "metricType": "COSINE",
                    "indexType": "FLAT",
                }
            ],
            "params": {"consistencyLevel": STRONG},
        }
        await self._ask("collections/create", body, timeout_s=WRITE_TIMEOUT_S)

    async def put(
        self, table: str, ids: Sequence[str], documents: Sequence[str], vectors: Vectors
    ) -> None:
        rows = [
            {ID: name, DOCUMENT: document, VECTOR: vector}
            for name, document, vector in zip(ids, documents, vectors.tolist(), strict=True)
        ]
        body = {"collectionName": table, "data": rows}
        await self._ask("entities/upsert", body, timeout_s=WRITE_TIMEOUT_S)

    async def remove(self, table: str, documents: Sequence[str]) -> None:
        for begin in range(0, len(documents), DOCUMENTS_AT_ONCE):
            part = list(documents[begin : begin + DOCUMENTS_AT_ONCE])
            body = {"collectionName": table, "filter": f"{DOCUMENT} in {_quoted(part)}"}
            await self._ask("entities/delete", body, timeout_s=WRITE_TIMEOUT_S)

    async def nearest(self, table: str, vector: Vectors, n: int) -> Ranking:
        body = {
            "collectionName": table,
            "data": [vector.tolist()],
            "annsField": VECTOR,
            "limit": n,
            "outputFields": [ID],
            "consistencyLevel": STRONG,
        }
        rows = await self._ask("entities/search", body)
        return [(str(row[ID]), float(row["distance"])) for row in rows]

    async def drop(self, table: str) -> None:
        if (await self._ask("collections/has", {"collectionName": table}))["has"]:
            named = {"collectionName": table}
            await self._ask("collections/drop", named, timeout_s=WRITE_TIMEOUT_S)

    async def _query(self, table: str, filtered: str, output: Sequence[str]) -> Any:
        body: dict[str, Any] = {
            "collectionName": table,
            "filter": filtered,
            "outputFields": list(output),
            "consistencyLevel": STRONG,
        }
        # a count takes no limit, and without one the server puts its own in
        body |= {"limit": 0 if output == ["count(*)"] else 1}
        return await self._ask("entities/query", body)

    async def _ask(self, path: str, body: dict[str, Any], *, timeout_s: float | None = None) -> Any:
        wait_s = timeout_s or patience_s(self.server)
        answer = await rest.ask(self.server, "POST", f"v2/vectordb/{path}", body, timeout_s=wait_s)
        code = answer.body.get("code")
        if code in (0, 200):
            return answer.body.get("data")
        if not isinstance(code, int):
            raise rest.wrong(self.server, f"HTTP {answer.status}")
        if code in NOT_SIGNED_IN:
            raise KeyRefused(service=self.server.name)
        if code == NOT_FOUND:
            raise StoreMissing(service=self.server.name)
        if code == RATE_LIMITED:
            raise RateLimited(service=self.server.name, wait="")
        said = rest.words(self.server, str(answer.body.get("message", f"code {code}")))
        raise ServiceRefused(service=self.server.name, reason=said)

    def _dimension(self, table: str, fields: Any) -> int:
        for row in fields:
            if row.get("name") == VECTOR:
                params = {one["key"]: one["value"] for one in row.get("params", [])}
                return int(params["dim"])
        raise rest.wrong(self.server, f"{table} has no field “{VECTOR}”")


def _quoted(value: str | list[str]) -> str:
    return orjson.dumps(value).decode()
