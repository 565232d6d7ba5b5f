"""The runtime by itself: what a run adds to the model server's own times, search, embedding, chunking."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import aiohttp
import numpy as np
import psutil

from apps.runtime.chunking import Block, chunk_blocks
from apps.runtime.embedding import builtin_embedder
from apps.runtime.engine import run
from apps.runtime.events import Token
from apps.runtime.extractive import answer_from
from apps.runtime.http import close_sessions
from apps.runtime.resources import ModelServer
from apps.runtime.retrieval import HybridIndex
from tests.apps.runtime.graphs import PASSAGES, ask, chat, rag, resources
from tests.bench.figures import Figure
from tests.servers.environment import PROJECT, model_cache

try:
    import uvloop
except ImportError:  # Windows
    uvloop = None  # type: ignore[assignment]

STREAMS, TOKENS, TTFT_MS, ITL_MS = 200, 100, 300, 20
SPREAD_S = 10.0
MODEL = f"fake-ttft{TTFT_MS}-itl{ITL_MS}-n{TOKENS}"
CHUNKS, NEW_CHUNKS, VOCABULARY = 100_000, 200, 20_000
DOCUMENT_MB = 20

T = TypeVar("T")


def main() -> list[Figure]:
    return [*streaming(), *searching(), *embedding(), *chunking()]


@contextmanager
def paced_upstream() -> Iterator[str]:
    """The fake in a process of its own, so that its work is not counted."""
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--port", "0"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        try:
            yield child.stdout.readline().strip()
        finally:
            child.terminate()


def in_loop(work: Callable[[], Awaitable[T]]) -> T:
    async def whole() -> T:
        try:
            return await work()
        finally:
            await close_sessions()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop if uvloop else None) as runner:
        return runner.run(whole())


def streaming() -> Iterator[Figure]:
    with paced_upstream() as url:
        server = ModelServer(name="local", base_url=url)
        spread, lost, cpu_us = in_loop(lambda: streams(server, SPREAD_S))
        yield added("over 10 s", spread, 50, 60)
        yield added("over 10 s", spread, 99, 300)
        yield Figure("tokens lost", str(lost), "0", lost == 0)
        yield Figure("CPU per streamed token, runs and bare requests together, µs", f"{cpu_us:.0f}")
        burst, lost, _ = in_loop(lambda: streams(server, 0.0))
        yield added("in one instant", burst, 99, 1500)
        yield Figure("tokens lost", str(lost), "0", lost == 0)
        ms = in_loop(lambda: one_by_one(server, 300))
        yield Figure("run with passages and prompt, one at a time, ms", f"{ms:.2f}")


def added(name: str, times_ms: np.ndarray, percentile: int, limit_ms: int) -> Figure:
    value = float(np.percentile(times_ms, percentile))
    label = f"{STREAMS} runs {name}: added time to first token, p{percentile}, ms"
    return Figure(label, f"{value:.1f}", f"under {limit_ms}", value < limit_ms)


async def streams(server: ModelServer, spread_s: float) -> tuple[np.ndarray, int, float]:
    """(milliseconds each run adds to the median bare request, tokens lost, CPU µs per token).

    Runs and bare requests alternate in one loop, so that both meet the same machine.
    """
    process = psutil.Process()
    graph, given, request = chat(MODEL), resources(server), ask("How are you?")
    began = time.perf_counter()

    async def a_run(due: float) -> tuple[float, int]:
        await asyncio.sleep(began + due - time.perf_counter())
        started, first, count = time.perf_counter(), 0.0, 0
        async for event in run(graph, request, given):
            if isinstance(event, Token):
                first = first or time.perf_counter() - started
                count += 1
        return first * 1000, count

    async def bare(due: float) -> float:
        await asyncio.sleep(began + due - time.perf_counter())
        started = time.perf_counter()
        body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": "x"}]}
        url = f"{server.base_url}/chat/completions"
        async with session.post(url, json=body) as response:
            await response.content.readany()
            first = time.perf_counter() - started
            while await response.content.readany():
                pass
        return first * 1000

    dues = [spread_s * number / STREAMS for number in range(STREAMS)]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        used = sum(process.cpu_times()[:2])
        runs, bares = await asyncio.gather(
            asyncio.gather(*(a_run(due) for due in dues)),
            asyncio.gather(*(bare(due + spread_s / STREAMS / 2) for due in dues[::4])),
        )
        used = sum(process.cpu_times()[:2]) - used
    counted = sum(count for _, count in runs)
    total = counted + len(bares) * TOKENS
    times = np.array([first for first, _ in runs]) - float(np.median(bares))
    return times, STREAMS * TOKENS - counted, used / total * 1e6


async def one_by_one(server: ModelServer, count: int) -> float:
    """Milliseconds of a whole run whose model answers at once."""
    graph, given = rag("fake-n1"), resources(server)
    started = time.perf_counter()
    for _ in range(count):
        async for _event in run(graph, ask("When are invoices paid?"), given):
            pass
    return (time.perf_counter() - started) * 1000 / count


def searching() -> Iterator[Figure]:
    random = np.random.default_rng(1)
    texts = made_up_texts(random, CHUNKS + NEW_CHUNKS)
    vectors = random.standard_normal((CHUNKS + NEW_CHUNKS, 384), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"{number:08}" for number in range(CHUNKS + NEW_CHUNKS)]

    started = time.perf_counter()
    lexical = HybridIndex(ids[:CHUNKS], texts[:CHUNKS])
    yield Figure(f"BM25 index of {CHUNKS:,} chunks, s", f"{time.perf_counter() - started:.1f}")
    started = time.perf_counter()
    lexical.changed(remove=ids[:100], ids=ids[CHUNKS:], texts=texts[CHUNKS:])
    yield Figure("the same after 300 changes, s", f"{time.perf_counter() - started:.2f}")
    yield timed(
        "BM25 search in it, ms", lambda n: lexical.search(texts[n][:60], None, "lexical", 6)
    )

    every = HybridIndex(ids[:CHUNKS], texts[:CHUNKS], vectors[:CHUNKS])
    yield timed(
        f"hybrid search in {CHUNKS:,} chunks, ms",
        lambda n: every.search(texts[n][:60], vectors[n], "hybrid", 6),
    )
    with tempfile.TemporaryDirectory() as folder:
        every.save(Path(folder) / "index")
        started = time.perf_counter()
        HybridIndex.load(Path(folder) / "index")
        yield Figure("loading it from its files, s", f"{time.perf_counter() - started:.2f}")


def made_up_texts(random: np.random.Generator, count: int) -> list[str]:
    """About 800 characters each, words distributed as words are."""
    words = np.array([f"w{number:x}word" for number in range(VOCABULARY)])
    places = np.minimum(random.zipf(1.3, (count, 100)), VOCABULARY) - 1
    return [" ".join(words[row]) for row in places]


def timed(name: str, search: Callable[[int], object]) -> Figure:
    search(0)
    started = time.perf_counter()
    for number in range(100):
        search(number)
    return Figure(name, f"{(time.perf_counter() - started) * 10:.2f}")


def embedding() -> Iterator[Figure]:
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        embedder = builtin_embedder(model_cache(Path(folder)), 2)
        started = time.perf_counter()
        embedder.embed(["warm up"])
        yield Figure("embedding model, first text, s", f"{time.perf_counter() - started:.2f}")
        texts = made_up_sentences(400)
        started = time.perf_counter()
        embedder.embed(texts)
        rate = len(texts) / (time.perf_counter() - started)
        yield Figure("texts of 800 characters embedded per second, 2 threads", f"{rate:.0f}")
        before = process.memory_info().rss
        embedder.embed(made_up_sentences(800))
        grown = (process.memory_info().rss - before) / 2**20
        yield Figure("memory grown by twice as many, MiB", f"{grown:.0f}", "flat", grown < 40)
        yield timed("question embedded, ms", lambda n: embedder.embed([f"how is {n} done?"]))
        passages = list(PASSAGES) * 3
        yield timed(
            "extractive answer, ms",
            lambda n: answer_from("When are invoices paid?", passages, embedder),
        )


def made_up_sentences(count: int) -> list[str]:
    sentence = "The office in room {} opens at nine and the manager answers every question. "
    return ["".join(sentence.format(n + m) for m in range(10)) for n in range(count)]


def chunking() -> Iterator[Figure]:
    paragraph = "Some words make a sentence of fair length here. " * 6 + "\n\n"
    count = DOCUMENT_MB * 1_000_000 // len(paragraph)

    def document() -> Iterator[Block]:
        for number in range(count):
            yield Block(paragraph, start=number * len(paragraph))

    started = time.perf_counter()
    for _ in chunk_blocks(document(), 800, 120):
        pass
    rate = DOCUMENT_MB / (time.perf_counter() - started)
    yield Figure("chunking, MB/s", f"{rate:.0f}")
    tracemalloc.start()
    for _ in chunk_blocks(document(), 800, 120):
        pass
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    yield Figure(
        f"chunking a document of {DOCUMENT_MB} MB, memory at most, MiB",
        f"{peak:.1f}",
        "flat",
        peak < 4,
    )


if __name__ == "__main__":
    for figure in main():
        print(f"{figure.name:75} {figure.measured:>10}  {figure.target}")
