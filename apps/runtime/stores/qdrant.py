"""Qdrant by its REST API (https://api.qdrant.tech). A table is a collection of its own.

Every vector is compared up to EXACT_LIMIT of them; above, Qdrant's own graph ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.runtime.errors import ServiceBroke, ServiceRefused
from apps.runtime.resources import ModelServer
from apps.runtime.retrieval import EXACT_LIMIT
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

DOCUMENT = "document"


class Qdrant:
    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self._counts: dict[str, int] = {}

    async def about(self) -> About:
        """The root says the version without a key; the list of collections takes it."""
        root = await self._ask("GET", "")
        title, version = str(root.get("title", "")), str(root.get("version", ""))
        if "qdrant" not in title.lower():
            raise rest.wrong(self.server, "it does not say that it is Qdrant")
        await self._ask("GET", "collections")
        return About("Qdrant", version)

    async def shape(self, table: str) -> Shape | None:
        answer = await self._answer("GET", f"collections/{table}")
        if answer.status == 404:
            return None
        self._check(answer)
        try:
            vectors = answer.body["result"]["config"]["params"]["vectors"]
            dimension = int(vectors["size"])
        except (KeyError, TypeError, ValueError) as error:
            raise rest.wrong(self.server, f"{table} does not hold one vector per point") from error
        counted = await self._ask("POST", f"collections/{table}/points/count", {"exact": True})
        self._counts[table] = count = int(counted["result"]["count"])
        return Shape(dimension, count)

    async def document_of(self, table: str, row: str) -> str:
        found = await self._ask(
            "POST", f"collections/{table}/points", {"ids": [row], "with_payload": [DOCUMENT]}
        )
        points = found["result"]
        return str(points[0]["payload"][DOCUMENT]) if points else ""

    async def create(self, table: str, dimension: int) -> None:
        params = {"vectors": {"size": dimension, "distance": "Cosine"}}
        await self._write("PUT", f"collections/{table}", params)
        index = {"field_name": DOCUMENT, "field_schema": "keyword"}
        await self._write("PUT", f"collections/{table}/index?wait=true", index)

    async def put(
        self, table: str, ids: Sequence[str], documents: Sequence[str], vectors: Vectors
    ) -> None:
        points = [
            {"id": name, "vector": vector, "payload": {DOCUMENT: document}}
            for name, document, vector in zip(ids, documents, vectors.tolist(), strict=True)
        ]
        await self._write("PUT", f"collections/{table}/points?wait=true", {"points": points})

    async def remove(self, table: str, documents: Sequence[str]) -> None:
        named = {"must": [{"key": DOCUMENT, "match": {"any": list(documents)}}]}
        await self._write("POST", f"collections/{table}/points/delete?wait=true", {"filter": named})

    async def nearest(self, table: str, vector: Vectors, n: int) -> Ranking:
        body = {
            "query": vector.tolist(),
            "limit": n,
            "with_payload": False,
            "params": {"exact": self._counts.get(table, 0) <= EXACT_LIMIT},
        }
        answer = await self._answer("POST", f"collections/{table}/points/query", body)
        if answer.status == 404:
            raise StoreMissing(service=self.server.name)
        self._check(answer)
        return [(str(row["id"]), float(row["score"])) for row in answer.body["result"]["points"]]

    async def drop(self, table: str) -> None:
        answer = await self._answer("DELETE", f"collections/{table}", timeout_s=WRITE_TIMEOUT_S)
        if answer.status != 404:
            self._check(answer)

    async def _write(self, method: str, path: str, body: Any) -> None:
        self._check(await self._answer(method, path, body, timeout_s=WRITE_TIMEOUT_S))

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = await self._answer(method, path, body)
        self._check(answer)
        return answer.body

    async def _answer(
        self, method: str, path: str, body: Any = None, *, timeout_s: float | None = None
    ) -> rest.Answer:
        wait_s = timeout_s or patience_s(self.server)
        return await rest.ask(self.server, method, path, body, timeout_s=wait_s)

    def _check(self, answer: rest.Answer) -> None:
        if answer.status == 200:
            return
        status = answer.body.get("status")
        said = status.get("error") if isinstance(status, dict) else None
        if said is None:
            raise rest.wrong(self.server, f"HTTP {answer.status}")
        if answer.status == 404:
            raise StoreMissing(service=self.server.name)
        reason = rest.words(self.server, said)
        if answer.status >= 500:
            raise ServiceBroke(service=self.server.name, reason=reason)
        raise ServiceRefused(service=self.server.name, reason=reason)
