"""A collection as a folder: documents, chunks and vectors. Same content, same bytes.

documents.jsonl   one document per line, by name
chunks.jsonl      one chunk per line, in (document name, ordinal) order
vectors.npy       float32, row i belongs to line i of chunks.jsonl
meta.json         format, embedder, dimensions, counts; written last
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from apps.runtime.chunking import indexed_text
from apps.runtime.embedding import Embedder
from apps.runtime.errors import UserFault
from apps.runtime.events import Passage
from apps.runtime.resources import ModelServer, RetrievalMode
from apps.runtime.retrieval import HybridIndex

Vectors = NDArray[np.float32]

FORMAT = 1
LINE = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


class SnapshotBroken(UserFault):
    code = "snapshot.broken"
    sentence = "The knowledge in {path} cannot be read: {reason}. Export it again."


class SnapshotForeign(UserFault):
    code = "snapshot.foreign-embedding"
    sentence = (
        "The knowledge was embedded with {theirs}, and {ours} is used here. Use the same model."
    )


@dataclass(frozen=True, slots=True)
class SnapshotChunk:
    """vector: (dimensions,), L2-normalised."""

    chunk_id: str
    document_id: str
    document: str
    ordinal: int
    text: str
    start: int
    end: int
    vector: NDArray[np.float32]
    page: int | None = None
    heading: str = ""


@dataclass(frozen=True)
class Snapshot:
    """chunks[i] belongs to vectors[i]; vectors stay in the file until they are touched."""

    path: Path
    embedder: str
    dimensions: int
    documents: list[dict[str, Any]]
    chunks: list[Passage]
    vectors: NDArray[np.float32]


def write_snapshot(
    path: Path,
    documents: Iterable[Mapping[str, Any]],
    chunks: Iterable[SnapshotChunk],
    embedder: str,
    dimensions: int,
) -> None:
    """Write the folder `path`; files of an earlier snapshot there are replaced.

    documents   JSON-safe, each with a unique "name"; written by name
    chunks      in (document name, ordinal) order, read as a stream
    Raises ValueError if the order or a vector's length is another.
    """
    path.mkdir(parents=True, exist_ok=True)
    (path / "meta.json").unlink(missing_ok=True)
    rows = sorted(documents, key=lambda row: str(row["name"]))
    with (path / "documents.jsonl").open("wb") as file:
        file.writelines(orjson.dumps(row, option=LINE) for row in rows)
    raw = path / "vectors.part"
    with (path / "chunks.jsonl").open("wb") as lines, raw.open("wb") as vectors:
        count = 0
        for chunk in _in_order(chunks):
            vector = np.ascontiguousarray(chunk.vector, "<f4")
            if vector.shape != (dimensions,):
                raise ValueError(f"vector of {chunk.chunk_id} has shape {vector.shape}")
            lines.write(orjson.dumps(_line(chunk), option=LINE))
            vectors.write(vector.tobytes())
            count += 1
    _as_npy(raw, path / "vectors.npy", (count, dimensions))
    meta = {
        "format": FORMAT,
        "embedder": embedder,
        "dimensions": dimensions,
        "documents": len(rows),
        "chunks": count,
    }
    (path / "meta.json").write_bytes(orjson.dumps(meta, option=LINE | orjson.OPT_INDENT_2))


def _in_order(chunks: Iterable[SnapshotChunk]) -> Iterator[SnapshotChunk]:
    last = ("", -1)
    for chunk in chunks:
        place = (chunk.document, chunk.ordinal)
        if place <= last:
            raise ValueError(f"chunk {place} comes after {last}")
        yield chunk
        last = place


def _line(chunk: SnapshotChunk) -> dict[str, Any]:
    return {name: getattr(chunk, name) for name in SnapshotChunk.__slots__ if name != "vector"}


def _as_npy(raw: Path, target: Path, shape: tuple[int, int]) -> None:
    """Put the header before the bytes; it holds the count, which is known only at the end."""
    with target.open("wb") as file, raw.open("rb") as source:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        while block := source.read(1 << 20):
            file.write(block)
    raw.unlink()


def read_snapshot(path: Path) -> Snapshot:
    """Raises SnapshotBroken if the folder is not whole."""
    try:
        meta = orjson.loads((path / "meta.json").read_bytes())
        documents = [*_lines(path / "documents.jsonl")]
        chunks = [Passage(score=0.0, **row) for row in _lines(path / "chunks.jsonl")]
        vectors = np.load(
            path / "vectors.npy", mmap_mode="r" if chunks else None, allow_pickle=False
        )
        told = (meta["format"], meta["documents"], meta["chunks"], meta["dimensions"])
        snapshot = Snapshot(
            path, str(meta["embedder"]), int(meta["dimensions"]), documents, chunks, vectors
        )
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise SnapshotBroken(path=path.name, reason=f"{error}".rstrip(".")) from error
    if told != (FORMAT, len(documents), *vectors.shape) or len(vectors) != len(chunks):
        raise SnapshotBroken(path=path.name, reason="its files do not belong together")
    return snapshot


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            yield orjson.loads(line)


class SnapshotRetriever:
    """A Retriever over one snapshot. Loads at the first question, off the event loop, once."""

    def __init__(self, path: Path, embedder: Embedder) -> None:
        self._path, self.embedder = path, embedder
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None
        self._parts: dict[tuple[str, ...], SnapshotRetriever] = {}

    def within(self, collections: Sequence[str]) -> SnapshotRetriever:
        """Over the documents of these collections. A snapshot of one collection does not know its
        name, and is searched whole. Reads a file. Raises KeyError with a name that no document has."""
        key = tuple(sorted(collections))
        with self._lock:
            if key not in self._parts:
                rows = _lines(self._path / "documents.jsonl")
                known = {row["collection"] for row in rows if "collection" in row}
                if missing := sorted(set(key) - known) if known else []:
                    raise KeyError(missing[0])
                whole = not known or known == set(key)
                part = self if whole else _Part(self._path, self.embedder, frozenset(key))
                self._parts[key] = part
            return self._parts[key]

    def placed_at(self, server: ModelServer) -> SnapshotRetriever:
        """Itself: a store ranks as the vectors do that travel with the snapshot, and has none of them."""
        return self

    async def vectors(self, query: str, passages: Sequence[Passage]) -> tuple[Vectors, Vectors]:
        """(d,) and (n, d): of the query and of passages that a search found."""
        return await asyncio.to_thread(self._vectors, query, passages)

    def _vectors(self, query: str, passages: Sequence[Passage]) -> tuple[Vectors, Vectors]:
        loaded = self._load()
        places = [loaded.places[passage.chunk_id] for passage in passages]
        vectors = np.asarray(loaded.index.vectors)[places]
        return self.embedder.embed([query])[0], np.asarray(vectors, np.float32)

    async def search(self, query: str, *, mode: RetrievalMode, k: int) -> list[Passage]:
        return await asyncio.to_thread(self.search_now, query, mode, k)

    def search_now(self, query: str, mode: RetrievalMode, k: int) -> list[Passage]:
        loaded = self._load()
        vector = None if mode == "lexical" else self.embedder.embed([query])[0]
        ranking = loaded.index.search(query, vector, mode, k)
        return [scored(loaded.chunks[loaded.places[name]], score) for name, score in ranking]

    def _load(self) -> _Loaded:
        with self._lock:
            if self._loaded is None:
                snapshot = read_snapshot(self._path)
                if snapshot.embedder != self.embedder.name:
                    raise SnapshotForeign(theirs=snapshot.embedder, ours=self.embedder.name)
                chunks, vectors = self._chosen(snapshot)
                index = HybridIndex(
                    [chunk.chunk_id for chunk in chunks],
                    [indexed_text(chunk.document, chunk.heading, chunk.text) for chunk in chunks],
                    vectors,
                )
                places = {chunk.chunk_id: place for place, chunk in enumerate(chunks)}
                self._loaded = _Loaded(index, chunks, places)
            return self._loaded

    def _chosen(self, snapshot: Snapshot) -> tuple[list[Passage], Vectors]:
        return snapshot.chunks, snapshot.vectors


class _Part(SnapshotRetriever):
    """Some collections of a snapshot."""

    def __init__(self, path: Path, embedder: Embedder, collections: frozenset[str]) -> None:
        super().__init__(path, embedder)
        self._collections = collections

    def _chosen(self, snapshot: Snapshot) -> tuple[list[Passage], Vectors]:
        owners = {row["document_id"]: row.get("collection") for row in snapshot.documents}
        places = [
            place
            for place, chunk in enumerate(snapshot.chunks)
            if owners.get(chunk.document_id) in self._collections
        ]
        return [snapshot.chunks[place] for place in places], snapshot.vectors[places]


@dataclass(frozen=True, slots=True)
class _Loaded:
    index: HybridIndex
    chunks: list[Passage]
    places: dict[str, int]


def scored(passage: Passage, score: float) -> Passage:
    """The passage with this score. Faster than dataclasses.replace."""
    return Passage(
        passage.chunk_id,
        passage.document_id,
        passage.document,
        passage.text,
        score,
        passage.ordinal,
        passage.start,
        passage.end,
        passage.page,
        passage.heading,
    )
