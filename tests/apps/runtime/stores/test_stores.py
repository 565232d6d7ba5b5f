from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import numpy as np
import pytest

from apps.runtime.errors import KeyRefused, ServiceUnavailable
from apps.runtime.resources import ModelServer
from apps.runtime.stores.base import MARKER, Held, Table
from apps.runtime.stores.errors import NoVectorSearch, StoreMissing, StoreWrong, WrongDimension
from apps.runtime.stores.opening import close_stores, open_store
from tests.servers import redis, vector_stores
from tests.servers.vector_stores import KINDS, VectorStore

DIMENSION = 16
TOKEN = "t0"


@pytest.fixture(scope="module", params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[VectorStore]:
    yield from vector_stores.running(request.param)


@pytest.fixture
async def table(store: VectorStore) -> AsyncIterator[Table]:
    made = Table(open_store(store.server), f"gs_test_{uuid.uuid4().hex}")
    await made.start(DIMENSION, TOKEN)
    yield made
    store.proxy.silent = False
    await made.drop()
    await close_stores()


def _rows(count: int, seed: int = 1) -> tuple[list[str], list[str], np.ndarray]:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [str(uuid.UUID(bytes=random.bytes(16), version=4)) for _ in range(count)]
    documents = [str(uuid.UUID(int=1 + place // 10)) for place in range(count)]
    return ids, documents, vectors


def _ranked(ids: list[str], vectors: np.ndarray, asked: np.ndarray) -> list[tuple[str, float]]:
    scores = vectors @ asked
    return sorted(zip(ids, scores.tolist(), strict=True), key=lambda row: (-row[1], row[0]))


async def test_ranks_by_cosine_as_numpy_does(table: Table) -> None:
    ids, documents, vectors = _rows(300)
    await table.put(ids, documents, vectors)
    asked = vectors[7]

    found = await table.nearest(asked, 20, DIMENSION)

    wanted = _ranked(ids, vectors, asked)[:20]
    assert [name for name, _ in found] == [name for name, _ in wanted]
    assert [score for _, score in found] == pytest.approx([s for _, s in wanted], abs=1e-4)


async def test_equal_scores_are_ordered_by_id_even_at_the_end(table: Table) -> None:
    ids, documents, vectors = _rows(90)
    vectors[:] = vectors[0]
    await table.put(ids, documents, vectors)

    found = await table.nearest(vectors[0], 5, DIMENSION)

    assert [name for name, _ in found] == sorted(ids)[:5]


async def test_the_marker_is_never_found_and_never_counted(table: Table) -> None:
    ids, documents, vectors = _rows(3)
    await table.put(ids, documents, vectors)
    first = np.zeros(DIMENSION, np.float32)
    first[0] = 1

    found = await table.nearest(first, 10, DIMENSION)

    assert {name for name, _ in found} == set(ids)
    assert MARKER not in ids
    assert await table.held() == Held(DIMENSION, 3, TOKEN)


async def test_rows_are_written_over_and_documents_removed(table: Table) -> None:
    ids, documents, vectors = _rows(25)
    await table.put(ids, documents, vectors)
    await table.put(ids[:1], documents[:1], -vectors[:1])

    await table.remove([documents[12], documents[22]])

    held = await table.held()
    assert held is not None
    assert held.count == 10
    found = await table.nearest(vectors[0], 25, DIMENSION)
    assert {name for name, _ in found} == set(ids[:10])
    assert found[-1] == (ids[0], pytest.approx(-1.0, abs=1e-4))


async def test_a_start_empties_what_was_there(table: Table) -> None:
    ids, documents, vectors = _rows(5)
    await table.put(ids, documents, vectors)

    await table.start(DIMENSION * 2, "t1")

    assert await table.held() == Held(DIMENSION * 2, 0, "t1")


async def test_a_vector_of_another_dimension_is_refused(table: Table) -> None:
    with pytest.raises(WrongDimension, match="has 3 numbers, those of the documents in my-.* 16"):
        await table.nearest(np.ones(3, np.float32), 5, DIMENSION)


async def test_a_wiped_store_says_so(store: VectorStore, table: Table) -> None:
    store.wipe()

    assert await table.held() is None
    with pytest.raises(StoreMissing):
        await table.nearest(np.ones(DIMENSION, np.float32), 5, DIMENSION)


async def test_says_what_it_is(store: VectorStore, table: Table) -> None:
    about = await table.store.about()

    names = {"redis": "Redis", "qdrant": "Qdrant", "milvus": "Milvus", "pgvector": "PostgreSQL"}
    assert about.product == names[store.kind]
    assert about.version or store.kind == "milvus"


async def test_a_wrong_password_is_refused_without_being_told(store: VectorStore) -> None:
    with pytest.raises(KeyRefused) as refused:
        await open_store(store.stranger).about()

    assert "my-" in str(refused.value)
    assert store.stranger.api_key not in str(refused.value)
    await close_stores()


async def test_a_missing_password_is_refused(store: VectorStore) -> None:
    bare = ModelServer(name="bare", base_url=store.server.base_url, kind=store.kind)

    with pytest.raises(KeyRefused):
        await open_store(bare).about()
    await close_stores()


async def test_a_server_that_is_down_is_named(store: VectorStore, table: Table) -> None:
    store.proxy.stop()
    try:
        with pytest.raises(ServiceUnavailable, match=f"my-{store.kind} did not answer"):
            await table.nearest(np.ones(DIMENSION, np.float32), 5, DIMENSION)
    finally:
        store.proxy.start()
    assert await table.nearest(np.ones(DIMENSION, np.float32), 5, DIMENSION) == []


async def test_a_server_that_hangs_is_given_up(store: VectorStore, table: Table) -> None:
    server = replace(store.server, name="slow", connect_timeout_s=0.2, stall_timeout_s=0.2)
    store.proxy.silent = True

    with pytest.raises(ServiceUnavailable, match="slow did not answer"):
        await open_store(server).nearest(table.name, np.ones(DIMENSION, np.float32), 5)
    store.proxy.silent = False


async def test_a_search_that_is_cancelled_closes_its_connection(
    store: VectorStore, table: Table
) -> None:
    store.proxy.reached.clear()
    store.proxy.abandoned.clear()
    store.proxy.silent = True
    search = asyncio.create_task(table.nearest(np.ones(DIMENSION, np.float32), 5, DIMENSION))
    assert await asyncio.to_thread(store.proxy.reached.wait, 10)

    search.cancel()

    with pytest.raises(asyncio.CancelledError):
        await search
    assert await asyncio.to_thread(store.proxy.abandoned.wait, 10)
    store.proxy.silent = False


async def test_another_server_at_the_address_is_recognised() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        await reader.read(10)
        writer.close()

    listening = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    for kind, url in (
        ("redis", f"redis://127.0.0.1:{port}"),
        ("qdrant", f"http://127.0.0.1:{port}"),
        ("milvus", f"http://127.0.0.1:{port}"),
    ):
        with pytest.raises(StoreWrong, match="is not the vector store that is needed"):
            await open_store(ModelServer("web", url, kind=kind)).about()
    listening.close()
    await close_stores()


async def test_a_redis_without_the_query_engine_is_told_apart(redis_server: redis.Redis) -> None:
    plain = ModelServer("plain", redis_server.url, kind="redis")

    with pytest.raises(NoVectorSearch, match="plain cannot search vectors: it is a Redis without"):
        await open_store(plain).about()
    await close_stores()
