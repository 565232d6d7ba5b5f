"""Turns texts into vectors: with the built-in model, or at an OpenAI-compatible server.

onnxruntime and the tokenizer are loaded at the first text, not at import: an idle process
stays small.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from apps.runtime import minilm, openai
from apps.runtime.errors import ServiceBroke, UserFault
from apps.runtime.http import close_sessions
from apps.runtime.resources import ModelServer

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

BUILTIN = "builtin:all-minilm-l6-v2"
WINDOW = 256
"""Texts sorted by length together: enough for even batches, little enough to hold."""
BATCH_TOKENS = 1024
"""Padded tokens per run. Measured on 4 cores at 220 tokens a text: 1024 28/s, 2048 22/s, 8192 14/s;
larger batches fall out of the cache."""
TEXT_LIMIT = 256 * 32
"""Characters looked at: far more than 256 tokens ever need."""
REMOTE_BATCH, REMOTE_PARALLEL = 64, 4

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """name identifies the vector space: vectors of different names are never compared."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(n, dimensions), L2-normalised. Blocks; thread-safe."""
        ...


class UnknownEmbedding(UserFault):
    code = "embedding.unknown"
    sentence = (
        "There is no embedding model {name}: {reason}. Use {builtin} or <connection>:<model>."
    )


class BuiltinEmbedder:
    """all-MiniLM-L6-v2 on the CPU. Make it with `builtin_embedder`, which keeps one per process."""

    name = BUILTIN
    dimensions = minilm.DIMENSIONS

    def __init__(self, cache_dir: Path, threads: int | None = None) -> None:
        self._cache_dir = cache_dir
        self._threads = threads or max(1, min(8, (os.cpu_count() or 2) - 1))
        self._lock = threading.Lock()
        self._loaded: tuple[InferenceSession, Tokenizer] | None = None

    @property
    def loaded(self) -> bool:
        return self._loaded is not None

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        session, tokenizer = self._load()
        for begin in range(0, len(texts), WINDOW):
            window = [text[:TEXT_LIMIT] for text in texts[begin : begin + WINDOW]]
            rows = [encoding.ids for encoding in tokenizer.encode_batch_fast(window)]
            for places in _batches([len(row) for row in rows]):
                ids, mask = _padded([rows[place] for place in places])
                result = session.run(None, {"ids": ids, "mask": mask})[0]
                vectors[[begin + place for place in places]] = result
        return vectors

    def _load(self) -> tuple[InferenceSession, Tokenizer]:
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = _session(self._cache_dir, self._threads), _tokenizer()
        return self._loaded


def _session(cache_dir: Path, threads: int) -> InferenceSession:
    import onnxruntime  # noqa: PLC0415 - lazily, see above

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    # Spinning threads would take the cores that the event loop streams on.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    path = str(minilm.graph_file(cache_dir))
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _tokenizer() -> Tokenizer:
    from tokenizers import Tokenizer  # noqa: PLC0415 - lazily, see above

    tokenizer = Tokenizer.from_file(str(minilm.model_file("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(minilm.MAX_TOKENS)
    return tokenizer


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of texts of similar length, as many as BATCH_TOKENS allows with their padding."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[place] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _padded(rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    width = max(len(row) for row in rows)
    ids = np.zeros((len(rows), width), np.int64)
    mask = np.zeros((len(rows), width), np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return ids, mask


@cache
def _builtin(cache_dir: Path, threads: int | None) -> BuiltinEmbedder:
    return BuiltinEmbedder(cache_dir, threads)


def builtin_embedder(cache_dir: Path, threads: int | None = None) -> BuiltinEmbedder:
    """The process's one instance per cache folder and thread count; loads at the first text."""
    return _builtin(Path(cache_dir).resolve(), threads)


class RemoteEmbedder:
    """A model behind `/v1/embeddings`. Works from any thread: it keeps an event loop of its own."""

    def __init__(self, server: ModelServer, model: str) -> None:
        self.name = f"{server.name}:{model}"
        self._server, self._model = server, model
        self._dimensions = 0

    @property
    def dimensions(self) -> int:
        if not self._dimensions:
            self.embed(["dimensions"])
        return self._dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        work = asyncio.run_coroutine_threadsafe(self._embed(texts), _background_loop())
        vectors = np.asarray(work.result(), np.float32)
        if self._dimensions and vectors.shape[1] != self._dimensions:
            raise ServiceBroke(service=self._server.name, reason="vectors changed their length")
        self._dimensions = vectors.shape[1]
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        result: Vectors = vectors / np.maximum(norms, 1e-12)
        return result

    async def _embed(self, texts: Sequence[str]) -> Vectors:
        turnstile = asyncio.Semaphore(REMOTE_PARALLEL)

        async def batch(part: Sequence[str]) -> Vectors:
            async with turnstile:
                return await openai.embeddings(self._server, self._model, part)

        parts = [texts[at : at + REMOTE_BATCH] for at in range(0, len(texts), REMOTE_BATCH)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(batch(part)) for part in parts]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return np.concatenate([task.result() for task in tasks])


@cache
def _background_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="remote-embeddings", daemon=True).start()
    atexit.register(_leave, loop)
    return loop


def _leave(loop: asyncio.AbstractEventLoop) -> None:
    with suppress(TimeoutError):
        asyncio.run_coroutine_threadsafe(close_sessions(), loop).result(1)


def load_embedder(
    name: str, cache_dir: Path, servers: Mapping[str, ModelServer] | None = None, **options: Any
) -> Embedder:
    """The embedder called name: "builtin:all-minilm-l6-v2", or "<connection>:<model>" with the
    connection in servers. options: threads of the built-in one. Raises UnknownEmbedding.
    """
    if name == BUILTIN:
        return builtin_embedder(cache_dir, **options)
    connection, colon, model = name.partition(":")
    if not colon or not model:
        raise UnknownEmbedding(name=name, builtin=BUILTIN, reason="the name has no colon")
    if connection not in (servers or {}):
        reason = f"the connection {connection} is not known here"
        raise UnknownEmbedding(name=name, builtin=BUILTIN, reason=reason)
    return RemoteEmbedder((servers or {})[connection], model)
