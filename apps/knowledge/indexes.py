"""Indexes in memory, one for each set of collections that is searched together.

Which rows an index holds is known by documents. A file of each larger one under DATA_DIR/indexes
makes a restart cheap; it is a cache and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray

from apps.knowledge.enums import DocumentStatus
from apps.knowledge.models import Chunk, Collection, Document
from apps.runtime.chunking import indexed_text
from apps.runtime.embedding import Embedder
from apps.runtime.events import Passage
from apps.runtime.retrieval import HybridIndex, Ranking

log = structlog.get_logger(__name__)

CHECK_S = 1.0
"""How long an index is taken to be current without asking the rows."""
WAIT_S = 2.0
"""How long a search waits for a newer index while an older one is there."""
LOADED = 12
"""Sets of collections kept in memory; the one not asked for longest goes first."""
PASSAGES = 4_096
"""Rows kept beside an index, so that a popular passage costs no query."""
SAVE_FROM = 2_000
"""Chunks from which an index is worth a file."""
READ_CHUNKS = 4_096
"""Chunks read from the rows in one query."""

Key = tuple[UUID, ...]
Vectors = NDArray[np.float32]
Revisions = tuple[tuple[UUID, int], ...]


@dataclass
class Indexed:
    """An index with the documents that are in it.

    owners   for each position of the index, the place of its document in `documents`
    """

    index: HybridIndex
    documents: list[UUID]
    owners: NDArray[np.int32]
    revisions: Revisions
    collection_id: UUID
    embedder: Embedder | None = None
    passages: OrderedDict[str, Passage] = field(default_factory=OrderedDict)
    saved_chunks: int = 0

    def keep(self, passage: Passage) -> None:
        self.passages[passage.chunk_id] = passage
        while len(self.passages) > PASSAGES:
            with suppress(KeyError):  # another thread was faster
                self.passages.popitem(last=False)


class _Slot:
    """One set of collections: its index, when it was compared with the rows, who may load it."""

    def __init__(self) -> None:
        self.loading = threading.Lock()
        self.indexed: Indexed | None = None
        self.checked_at = 0.0


class Indexes:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: OrderedDict[Key, _Slot] = OrderedDict()

    def current(self, key: Key) -> Indexed:
        """The index for these collections as the rows are now, or were WAIT_S ago at most while a
        newer one is being made. One thread makes it; the others wait for that one."""
        slot = self._slot(key)
        indexed = slot.indexed
        if indexed and time.monotonic() - slot.checked_at < CHECK_S:
            return indexed
        if not slot.loading.acquire(timeout=WAIT_S if indexed else -1):
            assert indexed  # noqa: S101 - without one the lock was waited for without limit
            return indexed
        try:
            if slot.indexed and time.monotonic() - slot.checked_at < CHECK_S:
                return slot.indexed
            revisions = _revisions(key)
            if slot.indexed is None or slot.indexed.revisions != revisions:
                slot.indexed = _load(key, revisions, slot.indexed)
            slot.checked_at = time.monotonic()
            return slot.indexed
        finally:
            slot.loading.release()

    def recheck(self, collection_id: UUID) -> None:
        """Ask the rows at the next search, for changes made by this very process."""
        with self._lock:
            for key, slot in self._slots.items():
                if collection_id in key:
                    slot.checked_at = 0.0

    def forget(self) -> None:
        with self._lock:
            self._slots.clear()

    def _slot(self, key: Key) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > LOADED:
                self._slots.popitem(last=False)
            return slot


indexes = Indexes()


def _revisions(key: Key) -> Revisions:
    rows = Collection.objects.filter(pk__in=key).order_by("pk")
    return tuple(rows.values_list("pk", "revision"))


def _load(key: Key, revisions: Revisions, old: Indexed | None) -> Indexed:
    """An index at these revisions, made from the one in memory or on disk and the rows."""
    started = time.monotonic()
    base = old or _read_saved(key) or _empty(key)
    rows = Document.objects.filter(collection__in=key, status=DocumentStatus.READY).order_by("pk")
    names = dict(rows.values_list("pk", "name"))
    had = set(base.documents)
    added = [pk for pk in names if pk not in had]
    removed = had - names.keys()
    index, owners, documents = _followed(base, removed, added, names)
    loaded = Indexed(
        index,
        documents,
        owners,
        revisions,
        collection_id=key[0],
        embedder=base.embedder,
        saved_chunks=base.saved_chunks,
    )
    took_s = round(time.monotonic() - started, 3)
    log.info("knowledge.index-loaded", chunks=len(index), added=len(added), removed=len(removed), took_s=took_s)  # fmt: skip
    _save(key, loaded)
    return loaded


def _followed(
    base: Indexed, removed: set[UUID], added: Sequence[UUID], names: dict[UUID, str]
) -> tuple[HybridIndex, NDArray[np.int32], list[UUID]]:
    if not removed and not added:
        return base.index, base.owners, base.documents
    kept = np.array([pk not in removed for pk in base.documents], bool)
    stays = kept[base.owners] if len(base.owners) else np.zeros(0, bool)
    gone = [base.index.ids[place] for place in np.flatnonzero(~stays)]
    places = np.cumsum(kept, dtype=np.int32) - 1
    documents = [pk for pk, stay in zip(base.documents, kept, strict=True) if stay]
    first = len(documents)
    documents += added
    place_of = {pk: place for place, pk in enumerate(documents[first:], first)}
    ids, texts, owners, vectors = _read_chunks(added, names, place_of)
    index = base.index.changed(remove=gone, ids=ids, texts=texts, vectors=vectors)
    kept_owners = places[base.owners[stays]] if len(base.owners) else base.owners
    return index, np.concatenate([kept_owners, owners]).astype(np.int32), documents


def _read_chunks(
    documents: Sequence[UUID], names: dict[UUID, str], place_of: dict[UUID, int]
) -> tuple[list[str], list[str], NDArray[np.int32], Vectors | None]:
    """Chunks of these documents: ids, what is searched of each, owners and, without pgvector, vectors."""
    with_vectors = not _vectors_in_database()
    ids: list[str] = []
    texts: list[str] = []
    owners: list[int] = []
    vectors: list[Vectors] = []
    fields = ["pk", "document_id", "heading", "text", *(["embedding"] if with_vectors else [])]
    for part in _parts(documents):
        rows = Chunk.objects.filter(document__in=part).order_by().values_list(*fields)
        for pk, document_id, heading, text, *vector in rows.iterator(READ_CHUNKS):
            ids.append(str(pk))
            texts.append(indexed_text(names[document_id], heading, text))
            owners.append(place_of[document_id])
            vectors += vector
    stacked = np.stack(vectors) if vectors else None
    return ids, texts, np.array(owners, np.int32), stacked


def _parts(rows: Sequence[UUID], size: int = 500) -> Iterator[Sequence[UUID]]:
    return (rows[begin : begin + size] for begin in range(0, len(rows), size))


def _empty(key: Key) -> Indexed:
    """Vectors of no rows get their width from the first ones that come."""
    if _vectors_in_database():
        index = HybridIndex([], [], None, dense_ranking=partial(_nearest, key))
    else:
        index = HybridIndex([], [], np.empty((0, 0), np.float32))
    return Indexed(index, [], np.zeros(0, np.int32), (), key[0])


def _vectors_in_database() -> bool:
    return bool(connection.vendor == "postgresql")


def _nearest(key: Key, vector: Vectors, n: int) -> Ranking:
    """Exact cosine ranking by pgvector; equal ones by id, as in memory."""
    table, documents = Chunk._meta.db_table, Document._meta.db_table
    sql = (
        f"SELECT c.id, 1 - (c.embedding <=> %s::vector) AS score FROM {table} c "  # noqa: S608 - our own table names
        f"JOIN {documents} d ON d.id = c.document_id "
        "WHERE c.collection_id = ANY(%s) AND d.status = %s "
        "ORDER BY c.embedding <=> %s::vector, c.id LIMIT %s"
    )
    literal = "[" + ",".join(f"{value:.9g}" for value in vector.tolist()) + "]"
    with connection.cursor() as cursor:
        cursor.execute(sql, [literal, list(key), DocumentStatus.READY, literal, n])
        return [(str(pk), float(score)) for pk, score in cursor.fetchall()]


def _folder(key: Key) -> Path:
    name = hashlib.sha256(" ".join(map(str, key)).encode()).hexdigest()[:32]
    return Path(settings.DATA_DIR) / "indexes" / name


def _save(key: Key, indexed: Indexed) -> None:
    """Write the file if the index has grown or shrunk by a fifth since; failing is no harm."""
    count = len(indexed.index)
    if count < SAVE_FROM or abs(count - indexed.saved_chunks) * 5 < count:
        return
    folder = _folder(key)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        indexed.index.save(folder)
        np.save(folder / "owners.npy", indexed.owners)
        told: dict[str, Any] = {
            "collections": [str(pk) for pk in key],
            "documents": [str(pk) for pk in indexed.documents],
            "vectors": indexed.index.vectors is not None,
        }
        (folder / "documents.json").write_text(json.dumps(told), encoding="utf-8")
        indexed.saved_chunks = count
    except OSError as error:
        log.warning("knowledge.index-not-saved", reason=str(error))
        shutil.rmtree(folder, ignore_errors=True)


def _read_saved(key: Key) -> Indexed | None:
    folder = _folder(key)
    try:
        told = json.loads((folder / "documents.json").read_text(encoding="utf-8"))
        if told["vectors"] == _vectors_in_database():
            return None
        ranking = partial(_nearest, key) if _vectors_in_database() else None
        index = HybridIndex.load(folder, dense_ranking=ranking)
        owners = np.load(folder / "owners.npy", allow_pickle=False)
        documents = [UUID(pk) for pk in told["documents"]]
        if len(owners) != len(index) or (len(owners) and owners.max() >= len(documents)):
            return None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("knowledge.index-unreadable", reason=str(error))
        return None
    return Indexed(index, documents, owners, (), key[0], saved_chunks=len(index))


def drop_saved(collection_ids: Iterable[UUID]) -> None:
    """Delete the files of every set that one of these collections is in."""
    wanted = {str(pk) for pk in collection_ids}
    for told in (Path(settings.DATA_DIR) / "indexes").glob("*/documents.json"):
        with suppress(OSError, ValueError):
            if wanted & set(json.loads(told.read_text(encoding="utf-8"))["collections"]):
                shutil.rmtree(told.parent, ignore_errors=True)
