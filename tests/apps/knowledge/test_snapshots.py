from __future__ import annotations

import hashlib
from pathlib import Path

from apps.accounts.models import User
from apps.knowledge import services
from apps.knowledge.embedders import model_cache
from apps.knowledge.models import Chunk, Collection, Document
from apps.knowledge.retrieval import retriever_for
from apps.knowledge.snapshots import export_snapshot, import_snapshot, original_files
from apps.runtime.embedding import builtin_embedder
from apps.runtime.snapshot import SnapshotRetriever, read_snapshot
from tests.apps.knowledge.conftest import Add

FILES = {
    "b.md": b"# Leave\n\nEverybody gets thirty days of holiday.\n",
    "a/z.md": b"# Illness\n\nCall before nine when you are ill.\n"
    + b" ".join(b"Point %d says more about it." % number for number in range(90)),
    "Zebra.txt": b"Trains are booked in second class.",
    "broken.pdf": b"hello",
}


def digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


def test_same_rows_same_bytes(collection: Collection, add: Add, tmp_path: Path) -> None:
    add(collection, FILES)
    one = export_snapshot([collection], tmp_path / "one")
    two = export_snapshot([collection], tmp_path / "two")
    assert digest(one) == digest(two)
    snapshot = read_snapshot(one)
    assert [row["name"] for row in snapshot.documents] == ["Zebra.txt", "a/z.md", "b.md"]
    assert len(snapshot.chunks) == Chunk.objects.count() > 3


def test_snapshot_finds_what_the_collection_finds(
    collection: Collection, add: Add, tmp_path: Path
) -> None:
    add(collection, FILES)
    path = export_snapshot([collection], tmp_path / "s")
    theirs = SnapshotRetriever(path, builtin_embedder(model_cache()))
    ours = retriever_for([collection])
    for question in ("How many days off?", "ill", "trains"):
        for mode in ("hybrid", "dense", "lexical"):
            mine = [(p.chunk_id, round(p.score, 5)) for p in ours.find(question, mode=mode, k=4)]
            assert mine == [
                (p.chunk_id, round(p.score, 5)) for p in theirs.search_now(question, mode, 4)
            ]


def test_import_gives_the_same_passages(
    collection: Collection, add: Add, tmp_path: Path, stranger: User
) -> None:
    add(collection, FILES)
    path = export_snapshot([collection], tmp_path / "s")
    before = [
        (p.document, p.ordinal, p.text)
        for p in retriever_for([collection]).find("days", mode="hybrid", k=5)
    ]
    made = import_snapshot(path, stranger, "imported", "Imported")
    assert made.owner == stranger
    assert Document.objects.filter(collection=made, status="ready").count() == 3
    found = retriever_for([made]).find("days", mode="hybrid", k=5)
    assert [(p.document, p.ordinal, p.text) for p in found] == before
    assert not Chunk.objects.filter(
        collection=made, pk__in=Chunk.objects.filter(collection=collection)
    ).exists()


def test_import_elsewhere_keeps_the_ids_of_passages(
    collection: Collection, add: Add, tmp_path: Path, owner: User
) -> None:
    add(collection, FILES)
    ids = set(Chunk.objects.values_list("pk", flat=True))
    path = export_snapshot([collection], tmp_path / "s")
    services.delete_collection(collection=collection)
    import_snapshot(path, owner, "handbook", "Handbook")
    assert set(Chunk.objects.values_list("pk", flat=True)) == ids


def test_one_name_in_two_collections(
    collection: Collection, add: Add, owner: User, tmp_path: Path
) -> None:
    other = services.create_collection(owner=owner, name="other", title="Other")
    add(collection, {"a.md": b"one thing", "b.md": b"two things"})
    add(other, {"a.md": b"another thing"})
    snapshot = read_snapshot(export_snapshot([collection, other], tmp_path / "s"))
    assert [row["name"] for row in snapshot.documents] == ["b.md", "handbook/a.md", "other/a.md"]


def test_empty_collection_makes_an_empty_snapshot(collection: Collection, tmp_path: Path) -> None:
    assert read_snapshot(export_snapshot([collection], tmp_path / "s")).chunks == []


def test_originals_come_by_collection_and_name(collection: Collection, add: Add) -> None:
    add(collection, FILES)
    found = [(where, name, file.read()) for where, name, file in original_files([collection])]
    assert found == [("handbook", name, FILES[name]) for name in ("Zebra.txt", "a/z.md", "b.md")]
