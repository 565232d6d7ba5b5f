"""Small real servers that speak the REST protocols of Qdrant and of Milvus (v2), vectors in numpy.

They refuse what the real ones refuse: an unknown collection, a vector of another dimension, a point
without one, an unknown field, a name that is taken, a missing key.

    python -m tests.fakes.vector_stores qdrant --port 6333
"""

from __future__ import annotations

import argparse
import contextlib
import re
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from aiohttp import web

from tests.fakes.threaded import Threaded

LIMIT_BYTES = 64 * 1024 * 1024


@dataclass
class Rows:
    """One collection: documents and vectors by id."""

    dimension: int
    documents: dict[str, str] = field(default_factory=dict)
    vectors: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)

    def put(self, name: str, document: str, vector: list[float]) -> None:
        self.documents[name] = document
        self.vectors[name] = np.asarray(vector, np.float32)

    def remove(self, documents: set[str]) -> None:
        for name in [name for name, row in self.documents.items() if row in documents]:
            del self.documents[name], self.vectors[name]

    def nearest(self, vector: list[float], n: int) -> list[tuple[str, float]]:
        """By cosine; equal ones as they come, latest first, as no server promises an order."""
        asked = np.asarray(vector, np.float32)
        asked = asked / np.linalg.norm(asked)
        scores = [
            (name, float(np.dot(row / np.linalg.norm(row), asked)))
            for name, row in reversed(self.vectors.items())
        ]
        return sorted(scores, key=lambda row: -row[1])[:n]


class FakeStore(Threaded):
    """`with FakeQdrant(key="…") as server:`; `.url` is its address, `.tables` what it holds.

    Started again after `stop`, it has the same port and the same rows.
    """

    name = "fake-store"

    def __init__(self, key: str = "", port: int = 0) -> None:
        super().__init__("127.0.0.1", port)
        self.key = key
        self.tables: dict[str, Rows] = {}

    @property
    def url(self) -> str:
        return self.root

    async def _listen(self) -> None:
        app = web.Application(client_max_size=LIMIT_BYTES)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.path.strip("/")
        data = await request.read()
        try:
            body = orjson.loads(data) if data else None
        except orjson.JSONDecodeError:
            return self.bad_json()
        if not self.open_to_all(request.method, path) and not self.signed_in(request):
            return self.not_signed_in()
        return self.reply(request.method, path, body)

    def signed_in(self, request: web.Request) -> bool:
        return not self.key or request.headers.get("Authorization") == f"Bearer {self.key}"

    def open_to_all(self, method: str, path: str) -> bool:
        return False

    def reply(self, method: str, path: str, body: Any) -> web.Response:
        raise NotImplementedError

    def bad_json(self) -> web.Response:
        raise NotImplementedError

    def not_signed_in(self) -> web.Response:
        raise NotImplementedError


class FakeQdrant(FakeStore):
    def signed_in(self, request: web.Request) -> bool:
        return super().signed_in(request) or request.headers.get("api-key") == self.key

    def open_to_all(self, method: str, path: str) -> bool:
        return path in ("", "healthz", "readyz", "livez")

    def not_signed_in(self) -> web.Response:
        text = "Must provide an API key or an Authorization bearer token"
        return web.Response(status=401, text=text)

    def bad_json(self) -> web.Response:
        return self._no(400, "Format error in JSON body")

    def reply(self, method: str, path: str, body: Any) -> web.Response:
        if not path:
            return _json({"title": "qdrant - vector search engine", "version": "1.15.5"})
        if path == "collections":
            named = [{"name": name} for name in self.tables]
            return self._yes({"collections": named})
        found = re.fullmatch(r"collections/([^/]+)(?:/(.*))?", path)
        if not found:
            return web.Response(status=404)
        name, what = found[1], found[2] or ""
        if (method, what) == ("PUT", ""):
            return self._create(name, body)
        rows = self.tables.get(name)
        if rows is None:
            if (method, what) == ("DELETE", ""):
                return self._yes(False)
            return self._no(404, f"Not found: Collection `{name}` doesn't exist!")
        if (method, what) == ("DELETE", ""):
            del self.tables[name]
            return self._yes(True)
        made = {
            ("GET", ""): self._about,
            ("PUT", "index"): self._index,
            ("PUT", "points"): self._put,
            ("POST", "points"): self._get,
            ("POST", "points/delete"): self._delete,
            ("POST", "points/count"): self._count,
            ("POST", "points/query"): self._query,
        }.get((method, what))
        return made(rows, body) if made else web.Response(status=404)

    def _create(self, name: str, body: Any) -> web.Response:
        if name in self.tables:
            return self._no(409, f"Wrong input: Collection `{name}` already exists!")
        try:
            vectors = body["vectors"]
            size, distance = int(vectors["size"]), vectors["distance"]
        except (KeyError, TypeError, ValueError):
            return self._no(400, "Format error in JSON body: missing field")
        if distance != "Cosine" or not 1 <= size <= 65536:
            return self._no(422, "Validation error in JSON body: vectors.size")
        self.tables[name] = Rows(size)
        return self._yes(True)

    def _about(self, rows: Rows, body: Any) -> web.Response:
        params = {"vectors": {"size": rows.dimension, "distance": "Cosine"}, "shard_number": 1}
        told = {"status": "green", "points_count": len(rows.vectors), "config": {"params": params}}
        return self._yes(told)

    def _index(self, rows: Rows, body: Any) -> web.Response:
        if body.get("field_schema") not in ("keyword", "uuid") or not body.get("field_name"):
            return self._no(400, "Format error in JSON body: field_schema")
        return self._yes({"operation_id": 1, "status": "completed"})

    def _put(self, rows: Rows, body: Any) -> web.Response:
        points = body.get("points")
        if not points:
            return self._no(422, "Validation error in JSON body: points: Empty update request")
        for point in points:
            if "vector" not in point:
                return self._no(400, "Format error in JSON body: missing field `vector`")
            if not _is_id(point["id"]):
                return self._no(
                    400, f"Format error in JSON body: value {point['id']} is not a valid point ID"
                )
            if len(point["vector"]) != rows.dimension:
                return self._wrong_dimension(rows, point["vector"])
        for point in points:
            rows.put(str(uuid.UUID(point["id"])), point["payload"]["document"], point["vector"])
        return self._yes({"operation_id": 2, "status": "completed"})

    def _get(self, rows: Rows, body: Any) -> web.Response:
        found = [name for name in body["ids"] if name in rows.documents]
        return self._yes(
            [{"id": name, "payload": {"document": rows.documents[name]}} for name in found]
        )

    def _delete(self, rows: Rows, body: Any) -> web.Response:
        try:
            (condition,) = body["filter"]["must"]
            assert condition["key"] == "document"
            rows.remove(set(condition["match"]["any"]))
        except (KeyError, TypeError, ValueError, AssertionError):
            return self._no(400, "Format error in JSON body: filter")
        return self._yes({"operation_id": 3, "status": "completed"})

    def _count(self, rows: Rows, body: Any) -> web.Response:
        return self._yes({"count": len(rows.vectors)})

    def _query(self, rows: Rows, body: Any) -> web.Response:
        vector = body.get("query")
        if not isinstance(vector, list):
            return self._no(400, "Format error in JSON body: query")
        if len(vector) != rows.dimension:
            return self._wrong_dimension(rows, vector)
        if body.get("limit", 10) < 1:
            return self._no(422, "Validation error in JSON body: limit: value 0 invalid")
        found = rows.nearest(vector, body.get("limit", 10))
        return self._yes({"points": [{"id": name, "version": 1, "score": s} for name, s in found]})

    def _wrong_dimension(self, rows: Rows, vector: list[float]) -> web.Response:
        said = f"expected dim: {rows.dimension}, got {len(vector)}"
        return self._no(400, f"Wrong input: Vector dimension error: {said}")

    def _yes(self, result: Any) -> web.Response:
        return _json({"result": result, "status": "ok", "time": 0.001})

    def _no(self, status: int, error: str) -> web.Response:
        return _json({"status": {"error": error}, "time": 0.0}, status)


class FakeMilvus(FakeStore):
    """Its refusals are HTTP 200 with a code, but for one that is not signed in."""

    FIELDS = frozenset(("id", "document", "vector"))

    def not_signed_in(self) -> web.Response:
        told = {"code": 1800, "message": "user hasn't authenticated"}
        return _json(told, 401)

    def bad_json(self) -> web.Response:
        return self._no(1801, "can only accept json format request")

    def reply(self, method: str, path: str, body: Any) -> web.Response:
        if method != "POST" or not path.startswith("v2/vectordb/"):
            return web.Response(status=404, text="404 page not found")
        what = path.removeprefix("v2/vectordb/")
        if not isinstance(body, dict):
            return self._no(1801, "can only accept json format request")
        if what == "collections/list":
            return self._yes(list(self.tables))
        name = body.get("collectionName")
        if not name:
            return self._no(1802, "missing required parameters: CollectionName")
        if what == "collections/has":
            return self._yes({"has": name in self.tables})
        if what == "collections/create":
            return self._create(name, body)
        if what == "collections/drop":
            self.tables.pop(name, None)
            return self._yes({})
        rows = self.tables.get(name)
        if rows is None:
            return self._no(100, f"can't find collection[database=default][collection={name}]")
        made = {
            "collections/describe": self._describe,
            "entities/upsert": self._upsert,
            "entities/delete": self._delete,
            "entities/query": self._query,
            "entities/search": self._search,
        }.get(what)
        return made(rows, body) if made else web.Response(status=404, text="404 page not found")

    def _create(self, name: str, body: Any) -> web.Response:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,254}", name):
            return self._no(1100, "the first character of a collection name must be a letter")
        if name in self.tables:
            return self._no(65535, "create duplicate collection with different parameters")
        fields = {one["fieldName"]: one for one in body["schema"]["fields"]}
        if set(fields) != self.FIELDS or not fields["id"].get("isPrimary"):
            return self._no(1100, "primary key is not specified")
        if any("max_length" not in fields[one]["elementTypeParams"] for one in ("id", "document")):
            return self._no(1100, "type param(max_length) should be specified for varChar field")
        index = body["indexParams"][0]
        if index["fieldName"] != "vector" or index["metricType"] != "COSINE":
            return self._no(1100, "metric type not supported")
        self.tables[name] = Rows(int(fields["vector"]["elementTypeParams"]["dim"]))
        return self._yes({})

    def _describe(self, rows: Rows, body: Any) -> web.Response:
        length, dim = (
            {"key": "max_length", "value": "64"},
            {"key": "dim", "value": str(rows.dimension)},
        )
        fields = [
            {"name": "id", "type": "VarChar", "primaryKey": True, "params": [length]},
            {"name": "document", "type": "VarChar", "primaryKey": False, "params": [length]},
            {"name": "vector", "type": "FloatVector", "primaryKey": False, "params": [dim]},
        ]
        return self._yes({"collectionName": body["collectionName"], "fields": fields})

    def _upsert(self, rows: Rows, body: Any) -> web.Response:
        for row in body["data"]:
            if missing := self.FIELDS - set(row):
                return self._no(
                    1804, f"fail to deal the insert data, error: has no field {missing}"
                )
            if len(row["vector"]) != rows.dimension:
                return self._no(
                    1804, f"fail to deal the insert data, error: dim {len(row['vector'])}"
                )
        for row in body["data"]:
            rows.put(row["id"], row["document"], row["vector"])
        return self._yes({"upsertCount": len(body["data"])})

    def _delete(self, rows: Rows, body: Any) -> web.Response:
        found = re.fullmatch(r"document in (\[.*\])", body.get("filter", ""))
        if not found:
            return self._no(1100, "failed to create delete plan: cannot parse expression")
        rows.remove(set(orjson.loads(found[1])))
        return self._yes({})

    def _query(self, rows: Rows, body: Any) -> web.Response:
        if body["outputFields"] == ["count(*)"]:
            if body.get("limit", 100):
                return self._no(1100, "count entities with pagination is not allowed")
            return self._yes([{"count(*)": len(rows.vectors)}])
        found = re.fullmatch(r'id == "([^"]*)"', body.get("filter", ""))
        if not found:
            return self._no(1100, "empty expression should be used with limit")
        names = [found[1]] if found[1] in rows.documents else []
        return self._yes([{"id": name, "document": rows.documents[name]} for name in names])

    def _search(self, rows: Rows, body: Any) -> web.Response:
        (vector,) = body["data"]
        if body.get("annsField") != "vector" or not 1 <= body.get("limit", 100) <= 16_384:
            return self._no(65535, "topk is invalid, it should be in range [1, 16384]")
        if len(vector) != rows.dimension:
            return self._no(1801, f"vector dimension mismatch, expected {rows.dimension}")
        found = rows.nearest(vector, body["limit"])
        return self._yes([{"id": name, "distance": score} for name, score in found])

    def _yes(self, data: Any) -> web.Response:
        return _json({"code": 0, "data": data, "cost": 0})

    def _no(self, code: int, message: str) -> web.Response:
        return _json({"code": code, "message": message})


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


def _is_id(value: Any) -> bool:
    try:
        uuid.UUID(str(value))
    except ValueError:
        return isinstance(value, int)
    return True


FAKES = {"qdrant": FakeQdrant, "milvus": FakeMilvus}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=FAKES)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="")
    given = parser.parse_args()
    with FAKES[given.kind](given.key, given.port) as server:
        print(server.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
