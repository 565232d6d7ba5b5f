"""A snapshot is the same bytes for the same content, and answers alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apps.runtime.embedding import RemoteEmbedder
from apps.runtime.resources import ModelServer
from apps.runtime.snapshot import (
    SnapshotBroken,
    SnapshotChunk,
    SnapshotForeign,
    SnapshotRetriever,
    read_snapshot,
    write_snapshot,
)
from tests.fakes.openai_server import FakeOpenAI, embedding

NAME = "local:fake"
TEXTS = {
    "a.md": ["Leave is thirty days a year.", "Ask your manager for leave."],
    "b.md": ["Invoices are paid within two weeks."],
}


def chunks() -> list[SnapshotChunk]:
    return [
        SnapshotChunk(
            chunk_id=f"{document}-{ordinal}",
            document_id=document,
            document=document,
            ordinal=ordinal,
            text=text,
            start=0,
            end=len(text),
            vector=np.array(embedding(text), np.float32),
        )
        for document, texts in TEXTS.items()
        for ordinal, text in enumerate(texts)
    ]


def write(path: Path) -> Path:
    write_snapshot(path, [{"name": name} for name in reversed(TEXTS)], chunks(), NAME, 64)
    return path


def test_the_same_content_is_the_same_bytes(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one"), write(tmp_path / "two")

    names = sorted(path.name for path in one.iterdir())
    assert names == ["chunks.jsonl", "documents.jsonl", "meta.json", "vectors.npy"]
    assert [(one / n).read_bytes() for n in names] == [(two / n).read_bytes() for n in names]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    snapshot = read_snapshot(write(tmp_path / "s"))

    assert [row["name"] for row in snapshot.documents] == ["a.md", "b.md"]
    assert [chunk.text for chunk in snapshot.chunks] == [c.text for c in chunks()]
    assert np.array_equal(snapshot.vectors, np.stack([c.vector for c in chunks()]))
    assert (snapshot.embedder, snapshot.dimensions) == (NAME, 64)


def test_an_empty_collection_has_a_snapshot(tmp_path: Path) -> None:
    write_snapshot(tmp_path / "s", [], [], NAME, 64)

    assert read_snapshot(tmp_path / "s").vectors.shape == (0, 64)


def test_disorder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="comes after"):
        write_snapshot(tmp_path / "s", [], reversed(chunks()), NAME, 64)


def test_a_vector_of_another_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shape"):
        write_snapshot(tmp_path / "s", [], chunks(), NAME, 65)


@pytest.mark.parametrize("name", ["meta.json", "chunks.jsonl", "vectors.npy", "documents.jsonl"])
def test_a_missing_or_cut_file_is_told(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "s") / name
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(SnapshotBroken):
        read_snapshot(path.parent)

    path.unlink()
    with pytest.raises(SnapshotBroken):
        read_snapshot(path.parent)


async def test_the_retriever_finds_passages(
    tmp_path: Path, fake: FakeOpenAI, server: ModelServer
) -> None:
    retriever = SnapshotRetriever(write(tmp_path / "s"), RemoteEmbedder(server, "fake"))

    for mode in ("lexical", "dense", "hybrid"):
        found = await retriever.search("When are invoices paid?", mode=mode, k=2)  # type: ignore[arg-type]
        assert found[0].document == "b.md"
        assert found[0].score > 0


async def test_another_embedding_model_is_refused(
    tmp_path: Path, fake: FakeOpenAI, server: ModelServer
) -> None:
    retriever = SnapshotRetriever(write(tmp_path / "s"), RemoteEmbedder(server, "other"))

    with pytest.raises(SnapshotForeign, match="local:other"):
        await retriever.search("leave", mode="hybrid", k=2)
