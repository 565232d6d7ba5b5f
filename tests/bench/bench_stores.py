"""Vector stores that are real here (Redis, PostgreSQL with pgvector): filling one, and a search in it."""

from __future__ import annotations

import asyncio
import statistics
import time
import uuid

import numpy as np

from apps.runtime.resources import ServerKind
from apps.runtime.stores.base import Table
from apps.runtime.stores.opening import close_stores, open_store
from tests.bench.figures import Figure
from tests.servers import vector_stores

VECTORS, DIMENSION, DEPTH = 10_000, 384, 100
SEARCHES = 200
BATCH = 500
"""As `apps.knowledge.following` sends them."""
KINDS: tuple[ServerKind, ...] = ("redis", "pgvector")


def main() -> list[Figure]:
    return [figure for kind in KINDS for figure in measured(kind)]


def measured(kind: ServerKind) -> list[Figure]:
    figures: list[Figure] = []
    for store in vector_stores.running(kind):
        fill_s, search_ms = asyncio.run(timed(Table(open_store(store.server), "gs_bench")))
        slow = statistics.quantiles(search_ms, n=20)[18]
        figures = [
            Figure(f"{kind}: {VECTORS:,} vectors sent, s", f"{fill_s:.1f}"),
            Figure(
                f"{kind}: search for {DEPTH} of {VECTORS:,}, median, ms",
                f"{statistics.median(search_ms):.1f}",
                note=f"p95 {slow:.1f}, one at a time, through a proxy on this machine",
            ),
        ]
    return figures


async def timed(table: Table) -> tuple[float, list[float]]:
    """Seconds to fill it, and milliseconds of each search."""
    random = np.random.default_rng(7)
    vectors = random.standard_normal((VECTORS, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [str(uuid.UUID(bytes=random.bytes(16), version=4)) for _ in range(VECTORS)]
    documents = [str(uuid.UUID(int=1 + at // 130)) for at in range(VECTORS)]
    try:
        await table.start(DIMENSION, "bench")
        started = time.perf_counter()
        for begin in range(0, VECTORS, BATCH):
            part = slice(begin, begin + BATCH)
            await table.put(ids[part], documents[part], vectors[part])
        fill_s = time.perf_counter() - started
        search_ms = [await one_search(table, vectors[at]) for at in range(SEARCHES)]
    finally:
        await close_stores()
    return fill_s, search_ms


async def one_search(table: Table, vector: np.ndarray) -> float:
    started = time.perf_counter()
    found = await table.nearest(vector, DEPTH, DIMENSION)
    assert len(found) == DEPTH
    return (time.perf_counter() - started) * 1000
