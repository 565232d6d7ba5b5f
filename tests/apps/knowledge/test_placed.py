"""Search with the vectors in a store outside: the same results as embedded, whatever happens to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.connections.models import Endpoint
from apps.connections.services import create_endpoint, delete_endpoint
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.knowledge import copies, following, placed, services
from apps.knowledge.domain.chunk_ids import new_chunk_id
from apps.knowledge.embedders import model_cache
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.indexing import bump
from apps.knowledge.models import Chunk, Collection, Document, StoreCopy, StoredDocument
from apps.knowledge.retrieval import CollectionRetriever, retriever_for
from apps.runtime.embedding import builtin_embedder
from apps.runtime.errors import KeyRefused, ServiceUnavailable
from apps.runtime.events import Passage
from apps.runtime.resources import Comparing, Divisible, Placed, RetrievalMode
from apps.runtime.stores.base import Held
from apps.runtime.stores.errors import (
    StoreFilling,
    StoreForeign,
    StoreIncomplete,
    WrongDimension,
)
from apps.runtime.stores.opening import close_stores
from tests.apps.knowledge.conftest import uploads
from tests.servers import vector_stores
from tests.servers.vector_stores import KINDS, VectorStore

FILES = {
    "leave.md": b"# Leave\n\nEverybody gets thirty days of holiday each year.\n",
    "sick.md": b"# Illness\n\nCall before nine when you are ill. A doctor's note is due on day three.\n",
    "travel.md": b"# Travel\n\nTrains are booked in second class. Form TR-17 is for flights.\n",
    "twice.md": b"# Leave\n\nEverybody gets thirty days of holiday each year.\n",
}
QUESTION = "How many days of holiday do I have?"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module", params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[VectorStore]:
    yield from vector_stores.running(request.param)


@pytest.fixture(autouse=True)
def _everything_is_checked(monkeypatch: pytest.MonkeyPatch, store: VectorStore) -> Iterator[None]:
    monkeypatch.setattr(placed, "CHECK_S", 0.0)
    placed.forget()
    yield
    placed.forget()
    store.proxy.silent = False
    store.wipe()


@pytest.fixture
def connected(owner: User, store: VectorStore) -> Endpoint:
    server = store.server
    return create_endpoint(
        owner=owner,
        name=server.name,
        base_url=server.base_url,
        api_key=server.api_key,
        kind=server.kind,
    )


@pytest.fixture
def filled(collection: Collection) -> Collection:
    """With FILES as indexing leaves them, one passage each; without an engine's start per test."""
    texts = [text.decode().strip() for text in FILES.values()]
    rows = [ready(collection, name, 1) for name in FILES]
    Document.objects.bulk_create(rows)
    vectors = builtin_embedder(model_cache()).embed(texts)
    Chunk.objects.bulk_create(
        passage(row, 0, text, vector)
        for row, text, vector in zip(rows, texts, vectors, strict=True)
    )
    bump(collection.pk)
    collection.refresh_from_db()
    return collection


def ready(collection: Collection, name: str, chunks: int) -> Document:
    return Document(
        collection=collection,
        name=name,
        media_type="text/markdown",
        size_bytes=1,
        sha256="0" * 64,
        status=DocumentStatus.READY,
        chunk_count=chunks,
    )


def passage(document: Document, ordinal: int, text: str, vector: np.ndarray) -> Chunk:
    return Chunk(
        id=new_chunk_id(document.name, ordinal, text),
        collection_id=document.collection_id,
        document=document,
        ordinal=ordinal,
        text=text,
        start=0,
        end=len(text),
        embedding=vector,
    )


def put(collection: Collection, files: dict[str, bytes]) -> None:
    services.receive(collection=collection, files=uploads(files).items(), by=collection.owner)


def search(
    retriever: Any, query: str = QUESTION, mode: RetrievalMode = "dense", k: int = 10
) -> list[Passage]:
    async def ask() -> list[Passage]:
        try:
            return await retriever.search(query, mode=mode, k=k)
        finally:
            await close_stores()

    return asyncio.run(ask())


def held(copy: StoreCopy, store: VectorStore) -> Held | None:
    async def ask() -> Held | None:
        try:
            return await following.table_of(copy, store.server).held()
        finally:
            await close_stores()

    return asyncio.run(ask())


def many(collection: Collection, documents: int, chunks: int, dimension: int = 8) -> None:
    """READY documents with vectors of no model, for what is about amounts."""
    random = np.random.default_rng(7)
    rows = [ready(collection, f"{place}.md", chunks) for place in range(documents)]
    Document.objects.bulk_create(rows)
    Chunk.objects.bulk_create(
        passage(row, place, str(random.random()), random.normal(size=dimension).astype(np.float32))
        for row in rows
        for place in range(chunks)
    )
    bump(collection.pk)
    collection.refresh_from_db()


@pytest.mark.parametrize("mode", ["dense", "hybrid", "lexical"])
def test_ranks_as_embedded(filled: Collection, store: VectorStore, mode: RetrievalMode) -> None:
    embedded = retriever_for([filled])

    found = search(embedded.placed_at(store.server), mode=mode)

    wanted = search(embedded, mode=mode)
    assert [passage.chunk_id for passage in found] == [passage.chunk_id for passage in wanted]
    scores = [passage.score for passage in wanted]
    assert [passage.score for passage in found] == pytest.approx(scores, abs=1e-4)
    assert [replace(one, score=0) for one in found] == [replace(one, score=0) for one in wanted]


def test_is_what_steps_may_ask_of_a_retriever(filled: Collection, store: VectorStore) -> None:
    retriever = retriever_for([filled])
    assert isinstance(retriever, Placed)
    placed_one = retriever.placed_at(store.server)
    assert isinstance(placed_one, Placed)
    assert isinstance(placed_one, Divisible)
    assert isinstance(placed_one, Comparing)
    assert placed_one.embedder is retriever.embedder


def test_several_collections_are_one_ranking_and_can_be_limited(
    filled: Collection, store: VectorStore, owner: User
) -> None:
    other = services.create_collection(owner=owner, name="other", title="Other")
    put(other, {"canteen.md": b"# Canteen\n\nLunch is served at noon, holidays excepted.\n"})
    both = retriever_for([filled, other])

    found = search(both.placed_at(store.server))

    assert [one.chunk_id for one in found] == [one.chunk_id for one in search(both)]
    assert len(found) == 5
    only = both.placed_at(store.server).within(["other"])
    assert [one.document for one in search(only)] == ["canteen.md"]
    with pytest.raises(KeyError):
        both.placed_at(store.server).within(["nothing"])


def test_an_empty_collection_finds_nothing(collection: Collection, store: VectorStore) -> None:
    assert search(retriever_for([collection]).placed_at(store.server)) == []


def test_follows_documents_that_are_changed_added_and_removed(
    filled: Collection, store: VectorStore
) -> None:
    embedded = retriever_for([filled])
    retriever = embedded.placed_at(store.server)
    assert len(search(retriever)) == 4

    put(filled, {"leave.md": b"Nobody gets anything.", "new.md": b"A new thing."})
    services.remove_document(document=Document.objects.get(name="travel.md"))

    found = search(retriever)
    assert sorted(one.document for one in found) == ["leave.md", "new.md", "sick.md", "twice.md"]
    assert [one.chunk_id for one in found] == [one.chunk_id for one in search(embedded)]
    copy = StoreCopy.objects.get()
    assert held(copy, store) == Held(384, 4, copy.token)


def test_a_change_is_sent_by_a_job(
    filled: Collection, store: VectorStore, connected: Endpoint
) -> None:
    copy = copies.place(collection=filled, server=store.server)
    put(filled, {"new.md": b"A new thing."})

    jobs = Job.objects.filter(kind="knowledge.follow")
    assert {job.status for job in jobs} == {JobStatus.SUCCEEDED}
    assert jobs.first().title == f"Send “Handbook” to my-{store.kind}"
    copy.refresh_from_db()
    filled.refresh_from_db()
    assert (copy.revision, copy.chunks) == (filled.revision, 5)
    assert held(copy, store) == Held(384, 5, copy.token)


def test_a_wiped_store_is_filled_again(filled: Collection, store: VectorStore) -> None:
    retriever = retriever_for([filled]).placed_at(store.server)
    before = search(retriever)

    store.wipe()

    assert search(retriever) == before
    assert len(before) == 4


def test_a_store_wiped_since_it_was_checked_is_noticed(
    filled: Collection, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    retriever = retriever_for([filled]).placed_at(store.server)
    before = search(retriever)
    monkeypatch.setattr(placed, "CHECK_S", 3600.0)
    search(retriever)

    store.wipe()

    assert search(retriever) == before


def test_a_large_collection_is_sent_by_a_job_and_searches_say_so(
    filled: Collection,
    store: VectorStore,
    monkeypatch: pytest.MonkeyPatch,
    embedded_jobs: None,
    connected: Endpoint,
    finished: Any,
) -> None:
    monkeypatch.setattr(placed, "INLINE", 1)
    retriever = retriever_for([filled]).placed_at(store.server)

    with pytest.raises(StoreFilling, match="does not have all vectors of “Handbook” yet"):
        search(retriever)

    job = finished(Job.objects.get(kind="knowledge.follow"))
    assert (job.status, job.done, job.total) == (JobStatus.SUCCEEDED, 4, 4)
    assert job.message == "4 of 4 vectors"
    assert len(search(retriever)) == 4


def test_a_large_wiped_store_says_so_until_the_job_has_filled_it(
    filled: Collection, store: VectorStore, monkeypatch: pytest.MonkeyPatch, connected: Endpoint
) -> None:
    retriever = retriever_for([filled]).placed_at(store.server)
    search(retriever)
    monkeypatch.setattr(placed, "INLINE", 1)

    store.wipe()

    assert len(search(retriever)) == 4  # eager: the job is done when it was started
    assert Job.objects.get(kind="knowledge.follow").status == JobStatus.SUCCEEDED


def test_a_crash_in_the_middle_is_gone_on_from(
    collection: Collection, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "BATCH", 10)
    many(collection, documents=3, chunks=25)
    copy = following.copy_of(collection, store.server)

    class Crash(Exception):
        pass

    def crash(done: int, total: int) -> None:
        if done == 35:
            raise Crash

    with pytest.raises(Crash):
        following.follow(copy, store.server, progress=crash)
    torn = StoredDocument.objects.filter(copy=copy)
    assert sorted(torn.values_list("done", "chunks")) == [(False, 0), (True, 25)]
    copy.refresh_from_db()
    assert copy.revision == -1
    assert copy.busy_until is None
    token = copy.token
    seen: list[int] = []

    following.follow(copy, store.server, progress=lambda done, total: seen.append(done))

    assert seen[0] == 25, "what was complete is not sent again"
    assert seen[-1] == 75
    assert copy.token == token
    assert held(copy, store) == Held(8, 75, token)
    assert copy.revision == collection.revision


def test_a_store_that_lost_some_rows_is_filled_anew(
    collection: Collection, store: VectorStore
) -> None:
    many(collection, documents=3, chunks=4)
    copy = following.copy_of(collection, store.server)
    following.follow(copy, store.server)
    token = copy.token
    document = StoredDocument.objects.filter(copy=copy).first()
    assert document is not None

    async def lose() -> None:
        await following.table_of(copy, store.server).remove([str(document.document_id)])
        await close_stores()

    asyncio.run(lose())
    following.follow(copy, store.server)

    assert copy.token != token
    assert held(copy, store) == Held(8, 12, copy.token)


def test_two_installations_share_a_store(
    filled: Collection, store: VectorStore, settings: Any
) -> None:
    retriever = retriever_for([filled]).placed_at(store.server)
    search(retriever)
    mine = StoreCopy.objects.get()
    token = mine.token

    settings.SECRET_KEY = "of-another-installation-" + "1" * 40
    StoreCopy.objects.all().delete()
    placed.forget()
    assert len(search(retriever)) == 4
    theirs = StoreCopy.objects.get()
    following.remove_copy(theirs, store.server)

    settings.SECRET_KEY = "tests-only-" + "0" * 40
    assert held(mine, store) == Held(384, 4, token)


def test_what_somebody_else_made_under_our_name_stays(
    filled: Collection, store: VectorStore
) -> None:
    async def make() -> None:
        table = following.table_of(following.StoreCopy(collection_id=filled.pk), store.server)
        await table.store.create(table.name, 3)
        row = "11111111-1111-4111-8111-111111111111"
        await table.store.put(table.name, [row], ["x"], np.ones((1, 3), np.float32))
        await close_stores()

    asyncio.run(make())

    with pytest.raises(StoreForeign, match="was not made here. Nothing was changed"):
        search(retriever_for([filled]).placed_at(store.server))


def test_another_dimension_is_said(collection: Collection, store: VectorStore) -> None:
    many(collection, documents=1, chunks=2)

    with pytest.raises(
        WrongDimension, match="has 384 numbers, those of the documents in .* have 8"
    ):
        search(retriever_for([collection]).placed_at(store.server))


def test_a_server_that_is_down_is_said_and_comes_back(
    filled: Collection, store: VectorStore
) -> None:
    retriever = retriever_for([filled]).placed_at(store.server)
    search(retriever)
    store.proxy.stop()
    try:
        with pytest.raises(ServiceUnavailable, match=f"my-{store.kind} did not answer"):
            search(retriever)
        assert search(retriever, mode="lexical"), "words need no store"
    finally:
        store.proxy.start()
    assert len(search(retriever)) == 4


def test_a_wrong_password_is_said(filled: Collection, store: VectorStore) -> None:
    with pytest.raises(KeyRefused) as refused:
        search(retriever_for([filled]).placed_at(store.stranger))

    assert store.stranger.api_key not in str(refused.value)


def test_a_slow_server_is_given_up(filled: Collection, store: VectorStore) -> None:
    retriever = retriever_for([filled])
    search(retriever.placed_at(store.server))
    hasty = replace(store.server, connect_timeout_s=0.3, stall_timeout_s=0.3)
    store.proxy.silent = True

    with pytest.raises(ServiceUnavailable):
        search(retriever.placed_at(hasty))


def test_a_deleted_collection_leaves_the_store(
    filled: Collection, store: VectorStore, connected: Endpoint
) -> None:
    copies.place(collection=filled, server=store.server)
    copy = StoreCopy.objects.get()
    assert held(copy, store) is not None

    services.delete_collection(collection=filled)

    assert held(copy, store) is None
    assert not StoreCopy.objects.exists()
    assert Job.objects.filter(title=f"Remove “Handbook” from my-{store.kind}").exists()


def test_what_could_not_be_removed_is_said_and_removed_later(
    filled: Collection, store: VectorStore, connected: Endpoint, owner: User
) -> None:
    copies.place(collection=filled, server=store.server)
    copy = StoreCopy.objects.get()
    store.proxy.stop()
    services.delete_collection(collection=filled)
    job = Job.objects.get(title=f"Remove “Handbook” from my-{store.kind}")
    assert job.status == JobStatus.FAILED
    assert f"my-{store.kind} did not answer" in job.error_message
    store.proxy.start()
    assert held(copy, store) is not None

    other = services.create_collection(owner=owner, name="other", title="Other")
    put(other, {"a.md": b"A thing."})
    copies.place(collection=other, server=store.server)

    assert held(copy, store) is None
    assert [row.title for row in StoreCopy.objects.all()] == ["Other"]


def test_a_store_that_takes_no_more_is_said(
    collection: Collection, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that evicts does: it says yes and keeps nothing."""
    many(collection, documents=2, chunks=3)
    copy = following.copy_of(collection, store.server)

    def lose(done: int, total: int) -> None:
        if done == total:
            document = Document.objects.filter(collection=collection).first()
            assert document is not None
            store_rows_lost(copy, store, str(document.pk))

    with pytest.raises(StoreIncomplete, match=r"took 6 vectors of “Handbook” and has 3"):
        following.follow(copy, store.server, progress=lose)


def store_rows_lost(copy: StoreCopy, store: VectorStore, document: str) -> None:
    async def lose() -> None:
        await following.table_of(copy, store.server).remove([document])
        await close_stores()

    asyncio.run(lose())


def test_one_writer_at_a_time(collection: Collection, store: VectorStore) -> None:
    many(collection, documents=2, chunks=3)
    copy = following.copy_of(collection, store.server)

    def meanwhile(done: int, total: int) -> None:
        with pytest.raises(following.Busy):
            following.follow(following.copy_of(collection, store.server), store.server)

    following.follow(copy, store.server, progress=meanwhile)

    assert copy.chunks == 6


def test_the_password_is_in_no_row(
    filled: Collection, store: VectorStore, connected: Endpoint
) -> None:
    copies.place(collection=filled, server=store.server)
    store.proxy.stop()
    put(filled, {"new.md": b"A new thing."})
    store.proxy.start()

    rows = [*StoreCopy.objects.values(), *Job.objects.values(), *Endpoint.objects.values()]
    assert "did not answer" in StoreCopy.objects.get().error
    assert vector_stores.PASSWORD not in str(rows)
    assert vector_stores.PASSWORD not in repr(store.server)


def test_a_retriever_without_a_store_is_as_before(filled: Collection) -> None:
    assert isinstance(retriever_for([filled]), CollectionRetriever)
    assert not StoreCopy.objects.exists()


# The page of the collection ----------------------------------------------------------------------


def test_the_page_says_which_stores_have_it(
    owner_client: Client, filled: Collection, store: VectorStore, connected: Endpoint
) -> None:
    copies.place(collection=filled, server=store.server)
    page = owner_client.get(filled.get_absolute_url()).content.decode()
    assert f"my-{store.kind}" in page
    assert "4 vectors, sent" in page
    assert "Up to date" in page

    store.proxy.stop()
    put(filled, {"new.md": b"A new thing."})
    store.proxy.start()

    page = owner_client.get(filled.get_absolute_url()).content.decode()
    assert f"my-{store.kind} did not answer: it refuses connections." in page
    assert "Behind" in page


def test_a_copy_is_removed_from_its_store_by_hand(
    owner_client: Client,
    stranger_client: Client,
    filled: Collection,
    store: VectorStore,
    connected: Endpoint,
) -> None:
    copy = copies.place(collection=filled, server=store.server)
    url = reverse("knowledge:remove_copy", args=[copy.pk])

    assert stranger_client.post(url).status_code == 404
    assert owner_client.get(url).status_code == 405
    store.proxy.stop()
    page = owner_client.post(url, follow=True).content.decode()
    assert "did not answer" in page
    store.proxy.start()
    assert held(copy, store) is not None
    answer = owner_client.post(url)

    assert (answer.status_code, answer["Location"]) == (302, filled.get_absolute_url())
    assert held(copy, store) is None
    assert not StoreCopy.objects.exists()


def test_a_store_whose_connection_is_gone_is_left_behind(
    filled: Collection, store: VectorStore, connected: Endpoint
) -> None:
    copies.place(collection=filled, server=store.server)
    delete_endpoint(endpoint=connected)

    put(filled, {"new.md": b"A new thing."})

    assert not StoreCopy.objects.exists()
    statuses = Job.objects.filter(kind="knowledge.follow").values_list("status", flat=True)
    assert set(statuses) == {JobStatus.SUCCEEDED}
