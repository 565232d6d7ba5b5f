"""The retriever's step: how many, how like, how different, out of which collections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.runtime.adapters.retrieval import CollectionMissing, KnowledgeMissing, VectorsMissing
from apps.runtime.embedding import BuiltinEmbedder
from apps.runtime.engine import run_node
from apps.runtime.events import Documents, Finished, Passage
from apps.runtime.graph import Node
from apps.runtime.resources import Resources, RetrievalMode
from apps.runtime.snapshot import SnapshotChunk, SnapshotRetriever, write_snapshot
from tests.apps.runtime.graphs import ListRetriever, ask

NEAR_TWINS = (
    Passage("c1", "d1", "a.md", "Staff get thirty days of leave.", 0.9),
    Passage("c2", "d2", "b.md", "Staff get thirty days of leave each year.", 0.8),
    Passage("c3", "d3", "c.md", "The cafeteria opens at eight.", 0.2),
)


@dataclass
class VectorRetriever(ListRetriever):
    """Knows vectors: the first two passages are alike."""

    passages: Sequence[Passage] = NEAR_TWINS

    async def vectors(self, query: str, passages: Sequence[Passage]) -> tuple[Any, Any]:
        known = {"c1": [1, 0], "c2": [0.96, 0.28], "c3": [0, 1]}
        rows = [known[passage.chunk_id] for passage in passages]
        return np.array([1, 0], np.float32), np.array(rows, np.float32)


async def retrieved(given: Resources, **params: Any) -> tuple[list[str], dict[str, Any]]:
    ports = {"question": "text", "history": "history?"}
    node = Node(
        id="find",
        component="retriever",
        adapter="retriever",
        params=params,
        inputs=ports,
        outputs={"passages": "passages"},
    )
    names, noted = [], {}
    async for event in run_node(node, {"question": "leave?"}, ask("leave?"), given):
        if isinstance(event, Documents):
            names = [passage.chunk_id for passage in event.passages]
        if isinstance(event, Finished):
            noted = event.outputs
    return names, noted


async def test_diversity_replaces_a_repeat_by_something_else() -> None:
    given = Resources(retriever=VectorRetriever())

    assert (await retrieved(given, k=2))[0] == ["c1", "c2"]
    assert (await retrieved(given, k=2, diversity=0.6))[0] == ["c1", "c3"]


@pytest.mark.parametrize(
    ("mode", "least", "names"),
    [
        ("dense", 0.5, ["c1", "c2"]),
        ("dense", 0.85, ["c1"]),
        ("hybrid", 0.5, ["c1", "c2"]),
        ("hybrid", 0.97, ["c1"]),
        ("lexical", 0.5, ["c1", "c2"]),
        ("lexical", 0.95, ["c1"]),
        ("dense", 0.99, []),
    ],
)
async def test_what_fits_too_little_is_left_out(mode: str, least: float, names: list[str]) -> None:
    found, noted = await retrieved(
        Resources(retriever=VectorRetriever()), mode=mode, min_score=least
    )

    assert found == names
    assert noted["below_min_score"] == 3 - len(names)


async def test_both_together() -> None:
    found, _ = await retrieved(
        Resources(retriever=VectorRetriever()), k=2, mode="hybrid", min_score=0.5, diversity=0.9
    )

    assert found == ["c1", "c2"]


async def test_a_retriever_without_vectors_is_helped_by_an_embedder(
    embedder: BuiltinEmbedder,
) -> None:
    given = Resources(retriever=ListRetriever(NEAR_TWINS), embedder=embedder)

    assert (await retrieved(given, k=2, diversity=0.6))[0] == ["c1", "c3"]
    assert (await retrieved(given, mode="hybrid", min_score=0.25))[0] == ["c1", "c2"]


async def test_without_vectors_and_embedder_it_says_so() -> None:
    with pytest.raises(VectorsMissing, match="find"):
        await retrieved(Resources(retriever=ListRetriever()), diversity=0.5)


async def test_no_knowledge_and_no_such_collection() -> None:
    with pytest.raises(KnowledgeMissing):
        await retrieved(Resources())
    with pytest.raises(CollectionMissing, match="handbook"):
        await retrieved(Resources(retriever=ListRetriever()), collections=["handbook"])


def snapshot(path: Path, embedder: BuiltinEmbedder, *, named: bool = True) -> SnapshotRetriever:
    texts = {"hr": "Staff get thirty days of leave.", "it": "Leave laptops locked."}
    vectors = embedder.embed(list(texts.values()))
    chunks = [
        SnapshotChunk(f"c-{name}", f"d-{name}", f"{name}.md", 0, text, 0, len(text), vectors[at])
        for at, (name, text) in enumerate(texts.items())
    ]
    documents = [
        {"name": f"{name}.md", "document_id": f"d-{name}"} | ({"collection": name} if named else {})
        for name in texts
    ]
    write_snapshot(path, documents, chunks, embedder.name, embedder.dimensions)
    return SnapshotRetriever(path, embedder)


async def test_a_snapshot_is_limited_to_collections(
    tmp_path: Path, embedder: BuiltinEmbedder
) -> None:
    given = Resources(retriever=snapshot(tmp_path / "s", embedder))

    assert (await retrieved(given))[0] == ["c-hr", "c-it"]
    assert (await retrieved(given, collections=["it"]))[0] == ["c-it"]
    assert (await retrieved(given, collections=["it", "hr"]))[0] == ["c-hr", "c-it"]
    assert (await retrieved(given, collections=["it"], diversity=0.5, min_score=0.01))[0] == [
        "c-it"
    ]
    with pytest.raises(CollectionMissing, match="legal"):
        await retrieved(given, collections=["it", "legal"])


async def test_a_snapshot_of_one_collection_is_searched_whole(
    tmp_path: Path, embedder: BuiltinEmbedder
) -> None:
    given = Resources(retriever=snapshot(tmp_path / "s", embedder, named=False))

    assert (await retrieved(given, collections=["hr"]))[0] == ["c-hr", "c-it"]


async def test_every_mode_of_a_snapshot_has_its_vectors(
    tmp_path: Path, embedder: BuiltinEmbedder
) -> None:
    source = snapshot(tmp_path / "s", embedder)
    mode: RetrievalMode
    for mode in ("hybrid", "dense", "lexical"):
        found = await source.search("days of leave", mode=mode, k=2)
        asked, vectors = await source.vectors("days of leave", found)
        assert vectors.shape == (len(found), embedder.dimensions)
        assert float(vectors[0] @ asked) > 0.5
