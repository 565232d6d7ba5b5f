from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.knowledge import services
from apps.knowledge.errors import MixedEmbeddings
from apps.knowledge.indexes import indexes
from apps.knowledge.models import Chunk, Collection, Document
from apps.knowledge.questions import Questions
from apps.knowledge.retrieval import retriever_for
from tests.apps.knowledge.conftest import Add

FILES = {
    "leave.md": b"# Leave\n\nEverybody gets thirty days of holiday each year.\n",
    "sick.md": b"# Illness\n\nCall before nine when you are ill. A doctor's note is due on day three.\n",
    "travel.md": b"# Travel\n\nTrains are booked in second class. Form TR-17 is for flights.\n",
}


def names(found: list[Any]) -> list[str]:
    return [passage.document for passage in found]


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_best_passage_first_in_every_mode(collection: Collection, add: Add, mode: Any) -> None:
    add(collection, FILES)
    found = retriever_for([collection]).find("holiday days each year", mode=mode, k=2)
    assert found[0].document == "leave.md"
    assert found[0].text == Chunk.objects.get(pk=found[0].chunk_id).text
    assert [passage.score for passage in found] == sorted((p.score for p in found), reverse=True)


def test_words_and_meaning(collection: Collection, add: Add) -> None:
    add(collection, FILES)
    retriever = retriever_for([collection])
    assert names(retriever.find("TR-17", mode="lexical", k=1)) == ["travel.md"]
    assert names(retriever.find("I have a fever", mode="dense", k=1)) == ["sick.md"]


def test_follows_what_is_added_replaced_and_removed(
    collection: Collection, add: Add, django_capture_on_commit_callbacks: Any
) -> None:
    add(collection, FILES)
    retriever = retriever_for([collection])
    assert len(retriever.find("days", mode="hybrid", k=9)) == 3
    add(collection, {"leave.md": b"Nobody gets anything.", "new.md": b"A new thing."})
    found = retriever.find("holiday", mode="dense", k=9)
    assert sorted(names(found)) == ["leave.md", "new.md", "sick.md", "travel.md"]
    assert "thirty" not in " ".join(passage.text for passage in found)
    with django_capture_on_commit_callbacks(execute=True):
        services.remove_document(document=Document.objects.get(name="new.md"))
    assert "new.md" not in names(retriever.find("A new thing", mode="dense", k=9))


def test_empty_collection_finds_nothing(collection: Collection) -> None:
    assert retriever_for([collection]).find("anything", mode="hybrid", k=5) == []


def test_several_collections_are_one_ranking(collection: Collection, add: Add, owner: User) -> None:
    other = services.create_collection(owner=owner, name="other", title="Other")
    add(collection, {"leave.md": FILES["leave.md"]})
    add(other, {"sick.md": FILES["sick.md"]})
    found = retriever_for([collection, other]).find("I am ill", mode="hybrid", k=5)
    assert names(found) == ["sick.md", "leave.md"]


def test_collections_of_different_models_are_refused(collection: Collection, owner: User) -> None:
    other = services.create_collection(owner=owner, name="o", title="O", embedding_model="x:y")
    with pytest.raises(MixedEmbeddings):
        retriever_for([collection, other])


def test_one_query_at_most_when_nothing_changed(
    collection: Collection, add: Add, django_assert_num_queries: Any
) -> None:
    add(collection, FILES)
    retriever = retriever_for([collection])
    retriever.find("holiday", mode="hybrid", k=3)
    ranking = 1 if connection.vendor == "postgresql" else 0
    with django_assert_num_queries(ranking):
        retriever.find("holiday", mode="hybrid", k=3)
    indexes.recheck(collection.pk)
    with django_assert_num_queries(ranking + 1):
        retriever.find("holiday", mode="hybrid", k=3)


def test_saved_index_serves_a_restart(
    collection: Collection, add: Add, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any
) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr("apps.knowledge.indexes.SAVE_FROM", 1)
    add(collection, FILES)
    first = retriever_for([collection]).find("holiday", mode="hybrid", k=3)
    assert len(list((tmp_path / "indexes").glob("*/documents.json"))) == 1
    indexes.forget()
    monkeypatch.setattr("apps.knowledge.indexes._read_chunks", _must_read_nothing)
    assert retriever_for([collection]).find("holiday", mode="hybrid", k=3) == first


def test_damaged_saved_index_is_made_anew(
    collection: Collection, add: Add, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any
) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr("apps.knowledge.indexes.SAVE_FROM", 1)
    add(collection, FILES)
    first = retriever_for([collection]).find("holiday", mode="hybrid", k=3)
    for file in (tmp_path / "indexes").glob("*/owners.npy"):
        file.write_bytes(b"half")
    indexes.forget()
    assert retriever_for([collection]).find("holiday", mode="hybrid", k=3) == first


@pytest.mark.django_db(transaction=True)
def test_many_at_once_load_one_index_and_never_block_the_loop(
    collection: Collection, monkeypatch: pytest.MonkeyPatch, owner: User
) -> None:
    from tests.apps.knowledge.conftest import uploads

    services.receive(collection=collection, files=uploads(FILES).items(), by=owner)
    loads = []
    original = indexes.__class__.current
    from apps.knowledge import indexes as module

    load = module._load
    monkeypatch.setattr(module, "_load", lambda *args: loads.append(1) or load(*args))
    retriever = retriever_for([collection])

    async def all_at_once() -> tuple[list[Any], float]:
        gaps = [0.0]

        async def ticks() -> None:
            clock = asyncio.get_running_loop().time
            last = clock()
            while True:
                await asyncio.sleep(0.01)
                gaps.append(clock() - last - 0.01)
                last = clock()

        ticking = asyncio.create_task(ticks())
        searches = [retriever.search(f"holiday {n % 7}", mode="hybrid", k=2) for n in range(60)]
        found = await asyncio.gather(*searches)
        ticking.cancel()
        return found, max(gaps)

    found, longest_gap = asyncio.run(all_at_once())
    assert original
    assert {passages[0].document for passages in found} == {"leave.md"}
    assert len(loads) == 1
    assert longest_gap < 1.0


class _Slow:
    """An embedder that counts its calls; a real one would hide how questions are put together."""

    name, dimensions = "slow", 1

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.first = threading.Event()

    def embed(self, texts: Any) -> Any:
        import numpy as np

        self.calls.append(len(texts))
        self.first.wait(0.3)
        if "bad" in texts:
            raise ValueError("bad")
        return np.array([[float(len(text))] for text in texts], np.float32)


def test_questions_of_one_moment_are_embedded_together_and_remembered() -> None:
    questions, embedder = Questions(), _Slow()
    with ThreadPoolExecutor(10) as pool:
        work = [pool.submit(questions.embed, embedder, "x" * n) for n in range(1, 11)]
        assert [int(future.result()[0]) for future in work] == list(range(1, 11))
    assert sum(embedder.calls) == 10
    assert len(embedder.calls) < 6
    questions.embed(embedder, "x")
    assert sum(embedder.calls) == 10


def test_a_failing_embedder_fails_those_who_asked_and_no_later_one() -> None:
    questions, embedder = Questions(), _Slow()
    embedder.first.set()
    with pytest.raises(ValueError, match="bad"):
        questions.embed(embedder, "bad")
    assert questions.embed(embedder, "four")[0] == 4


def _must_read_nothing(documents: Any, *args: Any) -> Any:
    raise AssertionError(f"read {len(documents)} documents that the file holds")


def test_limited_to_some_collections(owner: User, collection: Collection, add: Add) -> None:
    other = services.create_collection(owner=owner, name="other", title="Other")
    add(collection, {"a.md": b"Leave is thirty days."})
    add(other, {"b.md": b"Leave your laptop locked."})
    both = retriever_for([collection, other])

    assert [p.document for p in both.within(["other"]).find("leave", mode="lexical", k=5)] == [
        "b.md"
    ]
    assert len(both.within([collection.name, "other"]).find("leave", mode="lexical", k=5)) == 2
    with pytest.raises(KeyError, match="none"):
        both.within(["none"])


def test_vectors_of_passages_come_from_their_rows(
    transactional_db: None, collection: Collection, add: Add
) -> None:
    add(collection, FILES)
    retriever = retriever_for([collection])

    async def both() -> tuple[list[Any], Any, Any]:
        found = await retriever.search("How many days off?", mode="dense", k=3)
        return found, *await retriever.vectors("How many days off?", found)

    found, asked, vectors = asyncio.run(both())
    assert vectors.shape == (3, len(asked))
    assert [float(vector @ asked) for vector in vectors] == pytest.approx(
        [passage.score for passage in found], abs=1e-4
    )
