"""Reads, chunks and embeds documents: plan as JSON on stdin, JSON lines out.

plan    documents [{id, path, name, skip}], chunk {size, overlap}, embedding {name, cache_dir,
        threads?, servers?}, limits?
events  started, progress, done, refused, failed (each with the document's id), and
        chunks {items: [[id, ordinal, text, start, end, page, heading]], vectors: base64 float32};
        flushed after each burst: what came before it belongs into one transaction

A document's chunks come in order and before its `done`. Reading happens in a process of its own
(`apps.knowledge.domain.reader`) while this one embeds, so the model is never idle for want of text.
"""

from __future__ import annotations

import base64
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from apps.knowledge.domain.limits import cpu_limit_s
from apps.knowledge.domain.orphans import end_with_parent
from apps.knowledge.domain.refusals import ReadingCrashed, ReadingTimedOut
from apps.runtime.chunking import indexed_text
from apps.runtime.embedding import Embedder, load_embedder
from apps.runtime.errors import StudioError
from apps.runtime.resources import ModelServer

READER = "apps.knowledge.domain.reader"
WINDOW = 256
"""Chunks embedded in one call; the embedder sorts them by length, across documents."""
LINE = 64
"""Chunks per line of output, about 200 kB."""
WAITING_EVENTS = 64
"""Reader events held, each of at most 32 chunks: about 2 MB of text."""
BEAT_S = 2.0

Event = dict[str, Any]


def main() -> None:
    plan = orjson.loads(sys.stdin.buffer.read())
    end_with_parent()
    try:
        embedder = _embedder(plan["embedding"])
        Ingest(plan, embedder).run()
    except StudioError as error:
        tell({"type": "error", "code": error.code, "message": str(error)})


def _embedder(embedding: dict[str, Any]) -> Embedder:
    servers = {server["name"]: ModelServer(**server) for server in embedding.get("servers", [])}
    options = {"threads": embedding["threads"]} if embedding.get("threads") else {}
    return load_embedder(embedding["name"], Path(embedding["cache_dir"]), servers, **options)


class Ingest:
    """Takes reader events, embeds chunk texts a window at a time, tells everything in order."""

    def __init__(self, plan: Event, embedder: Embedder) -> None:
        self._embedder = embedder
        self._names = {document["id"]: document["name"] for document in plan["documents"]}
        self._events: queue.Queue[Event | None] = queue.Queue(WAITING_EVENTS)
        self._pending: deque[Event] = deque()
        self._chunks = 0
        self._told = 0.0
        self._reading = threading.Thread(target=self._read, args=(plan,), daemon=True)

    def run(self) -> None:
        self._reading.start()
        if not getattr(self._embedder, "loaded", True):
            self._embedder.embed(["loaded while the reader starts"])
        open_ended = True
        while open_ended or self._pending:
            if open_ended:
                open_ended = self._take()
            # With nothing more at hand the model would idle: embed what there is.
            if self._chunks >= WINDOW or not open_ended or self._events.empty():
                self._flush()

    def _take(self) -> bool:
        """Move one event over, waiting for it only if there is nothing else to do."""
        try:
            event = self._events.get(timeout=None if not self._pending else 0.05)
        except queue.Empty:
            return True
        if event is None:
            return False
        self._pending.append(event)
        self._chunks += len(event.get("items", ()))
        return True

    def _flush(self) -> None:
        """Tell pending events in order, up to a window of chunks with their vectors."""
        items: list[list[Any]] = []
        waiting: list[Event] = []
        while self._pending and len(items) < WINDOW:
            event = self._pending.popleft()
            waiting.append(event)
            items += ([event["id"], *item] for item in event.get("items", ()))
        self._chunks -= len(items)
        if items:
            self._tell_chunks(items)
        for event in waiting:
            if event["type"] == "chunks":
                self._tell_progress(event)
            else:
                tell(event)
        if waiting:
            tell({"type": "flushed"})

    def _tell_chunks(self, items: list[list[Any]]) -> None:
        texts = [
            indexed_text(self._names[id_], heading, text)
            for id_, _, text, _, _, _, heading in items
        ]
        vectors = self._embedder.embed(texts)
        for begin in range(0, len(items), LINE):
            part = vectors[begin : begin + LINE]
            tell(
                {
                    "type": "chunks",
                    "items": items[begin : begin + LINE],
                    "dimensions": int(part.shape[1]),
                    "vectors": base64.b64encode(part.tobytes()).decode("ascii"),
                }
            )

    def _tell_progress(self, event: Event) -> None:
        now = time.monotonic()
        if now - self._told > BEAT_S / 4:
            self._told = now
            tell({"type": "progress", "id": event["id"], "share": event["share"]})

    def _read(self, plan: Event) -> None:
        try:
            for event in reader_events(plan):
                self._events.put(event)
        except Exception as error:  # noqa: BLE001 - reaches the parent as the engine's last event
            message = f"The reader of documents could not be run: {error}"
            self._events.put({"type": "error", "code": "knowledge.reader", "message": message})
        finally:
            self._events.put(None)


def reader_events(plan: Event) -> Iterator[Event]:
    """Events of the reader process for all documents. One that ends it fails; a new reader goes on."""
    waiting = deque(plan["documents"])
    while waiting:
        yield from _one_reader(waiting, plan)


def _one_reader(waiting: deque[Event], plan: Event) -> Iterator[Event]:
    """Events until the reader ends; documents that are dealt with leave `waiting`."""
    child = subprocess.Popen(
        [sys.executable, "-m", READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin and child.stdout  # noqa: S101 - PIPE was asked for
    feeding = threading.Thread(target=_feed, args=(child, list(waiting), plan), daemon=True)
    feeding.start()
    told = False
    try:
        for line in child.stdout:
            if not line.endswith(b"\n"):
                break  # the last words of a reader that was killed
            event = orjson.loads(line)
            yield event
            if event["type"] in {"done", "refused", "failed"}:
                waiting.popleft()
                told = event["type"] == "failed"
        returncode = child.wait()
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        child.wait()
        feeding.join(timeout=1)
    if waiting and not told:
        yield _ended(waiting.popleft(), returncode, plan)


def _feed(child: subprocess.Popen[bytes], documents: list[Event], plan: Event) -> None:
    limits = plan.get("limits", {})
    assert child.stdin  # noqa: S101 - PIPE was asked for
    with suppress(BrokenPipeError):
        child.stdin.write(orjson.dumps({"limits": limits}, option=orjson.OPT_APPEND_NEWLINE))
        for document in documents:
            request = document | plan["chunk"] | {"cpu_s": limits.get("cpu_s")}
            child.stdin.write(orjson.dumps(request, option=orjson.OPT_APPEND_NEWLINE))
        child.stdin.close()


def _ended(document: Event, returncode: int, plan: Event) -> Event:
    """The event for the document at which the reader ended without a word."""
    error: StudioError
    if returncode == -signal.SIGXCPU:
        size = Path(document["path"]).stat().st_size
        error = ReadingTimedOut(limit_s=plan.get("limits", {}).get("cpu_s") or cpu_limit_s(size))
    elif returncode < 0:
        error = ReadingCrashed(reason=signal.Signals(-returncode).name)
    else:
        error = ReadingCrashed(reason=f"exit code {returncode}")
    return {"type": "failed", "id": document["id"], "code": error.code, "message": str(error)}


def tell(event: Event) -> None:
    sys.stdout.buffer.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
