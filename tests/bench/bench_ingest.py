"""Ingestion against the embedding model alone, and its memory against the size of the file."""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.bench.figures import Figure

DOCUMENTS, SECTIONS = 60, 8
"""About 700 passages: 20 s to 60 s of embedding, against which starting two processes is little."""
ENGINE_S = 25.0
"""A 50 MB text is 65,000 passages and would embed for half an hour; memory is watched this long."""
SMALL_MB, LARGE_MB = 5, 50
MB = 1_000_000


def main() -> list[Figure]:
    _prepare()
    return [*_throughput(), *_memory()]


def _prepare() -> None:
    os.environ["STUDIO_JOBS_MODE"] = "eager"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _throughput() -> Iterator[Figure]:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from apps.accounts.models import User
    from apps.knowledge.embedders import model_cache
    from apps.knowledge.models import Chunk, Document
    from apps.knowledge.services import create_collection, receive
    from apps.runtime.chunking import indexed_text
    from apps.runtime.embedding import builtin_embedder

    owner = User.objects.create_user("bench")
    collection = create_collection(owner=owner, name="bench", title="Bench")
    files = [
        (f"folder/{number}.md", SimpleUploadedFile("x", _document(number)))
        for number in range(DOCUMENTS)
    ]
    embedder = builtin_embedder(model_cache())
    texts = [indexed_text(name, heading, text) for name, heading, text in _passages(files)]
    embedder.embed(texts[:8])

    before_s, before_cpu_s = _timed(lambda: embedder.embed(texts))
    ingest_s, ingest_cpu_s = _timed(lambda: receive(collection=collection, files=files, by=owner))
    after_s, after_cpu_s = _timed(lambda: embedder.embed(texts))

    assert Document.objects.filter(status="ready").count() == DOCUMENTS
    assert Chunk.objects.count() == len(texts)
    raw_s = (before_s + after_s) / 2
    ingest, raw = len(texts) / ingest_s, len(texts) / raw_s
    yield Figure(
        "embedding model alone, passages/s",
        f"{raw:.1f}",
        note=f"{len(texts)} passages; mean of a run before ingestion and one after",
    )
    yield Figure(
        "ingestion from upload to ready, passages/s",
        f"{ingest:.1f}",
        note="with reading, chunking, storing and the start of both processes",
    )
    yield Figure(
        "ingestion to embedding model alone",
        f"{ingest / raw:.2f}",
        "at least 0.80",
        ingest / raw >= 0.8,
    )
    cpu = (before_cpu_s + after_cpu_s) / 2 / ingest_cpu_s
    yield Figure(
        "the same in processor time",
        f"{cpu:.2f}",
        note="what other programs on the machine do not change",
    )


def _passages(files: list[tuple[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """(document, heading, text) of every passage, cut in this process."""
    from apps.knowledge.domain.extraction import extract
    from apps.knowledge.domain.parts import Meter
    from apps.runtime.chunking import chunk_blocks

    with tempfile.TemporaryDirectory() as folder:
        for name, upload in files:
            path = Path(folder) / "file"
            path.write_bytes(upload.read())
            for chunk in chunk_blocks(extract(path, name, Meter()), 800, 120):
                yield name, chunk.heading, chunk.text


def _memory() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        peaks: dict[str, dict[int, int]] = {"reader": {}, "engine": {}}
        for size_mb in (SMALL_MB, LARGE_MB):
            path = Path(folder) / f"{size_mb}.txt"
            _write(path, size_mb * MB)
            peaks["reader"][size_mb] = _peak(lambda path=path: _read_all(path))
            peaks["engine"][size_mb] = _peak(lambda path=path: _ingest_a_while(path))
    for what, note in (
        ("reader", "the whole file read and cut"),
        (
            "engine",
            f"reader and model together, the first {ENGINE_S:.0f} s: all of 50 MB takes half an hour",
        ),
    ):
        small, large = (peaks[what][size] / 2**20 for size in (SMALL_MB, LARGE_MB))
        yield Figure(
            f"peak memory of the {what}, {LARGE_MB} MB to {SMALL_MB} MB of text, MiB",
            f"{large:.0f} to {small:.0f}",
            "flat (under 1.15 times)",
            large < small * 1.15,
            note,
        )


def _read_all(path: Path) -> None:
    from worker.engines.ingest import reader_events

    plan = _plan(path)
    for event in reader_events(plan):
        assert event["type"] != "failed", event


def _ingest_a_while(path: Path) -> None:
    from worker.engine_process import engine_events

    end = time.monotonic() + ENGINE_S
    for _ in engine_events(
        "worker.engines.ingest", _plan(path), stop=lambda: time.monotonic() > end
    ):
        pass


def _plan(path: Path) -> dict[str, Any]:
    from apps.knowledge.embedders import model_cache
    from apps.runtime.embedding import BUILTIN

    return {
        "documents": [{"id": "1", "path": str(path), "name": "long.txt", "skip": 0}],
        "chunk": {"size": 800, "overlap": 120},
        "embedding": {"name": BUILTIN, "cache_dir": str(model_cache())},
    }


def _peak(work: Callable[[], None]) -> int:
    """The largest sum of resident memory of this process's children while it works, bytes."""
    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            total = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    total += child.memory_info().rss
                except psutil.Error:
                    continue
            peak = max(peak, total)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        work()
    finally:
        done.set()
        watching.join()
    return peak


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock, and of processors, those of ended children included."""
    started, used = time.perf_counter(), _cpu_s()
    work()
    return time.perf_counter() - started, _cpu_s() - used


def _cpu_s() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)


TEXT = """
the of and to in is that for it as was with be by on not he his but at are this have from
or had an they which one you were all her she there would their we him been has when who
will no more if out so up said what its about than into them can only other time new some
could these two may first then do any like my now over service network customer machine
language answer question document holiday contract insurance temperature
"""
WORDS = TEXT.split()


def _sentences(seed: int, characters: int) -> Iterator[str]:
    chance = random.Random(seed)
    length = 0
    while length < characters:
        text = " ".join(chance.choices(WORDS, k=chance.randint(6, 24))).capitalize() + ". "
        length += len(text)
        yield text


def _document(seed: int) -> bytes:
    sections = (
        f"## Section {number}\n\n{''.join(_sentences(seed * 100 + number, 400 + 90 * (seed % 12)))}\n\n"
        for number in range(SECTIONS)
    )
    return f"# Document {seed}\n\n{''.join(sections)}".encode()


def _write(path: Path, size: int) -> None:
    part = "".join(_sentences(1, 100_000)).encode() + b"\n\n"
    with path.open("wb") as file:
        for _ in range(size // len(part)):
            file.write(part)


if __name__ == "__main__":
    for figure in main():
        sys.stdout.write(f"{figure}\n")
