from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import default_storage

from apps.accounts.models import User
from apps.jobs.enums import JobStatus
from apps.knowledge import services
from apps.knowledge.errors import BadChunking, BadName, NameTaken
from apps.knowledge.models import Chunk, Collection, Document
from tests.apps.knowledge.conftest import Add
from tests.data import documents


def rows(collection: Collection) -> dict[str, str]:
    return dict(Document.objects.filter(collection=collection).values_list("name", "status"))


def outcomes(received: services.Received) -> dict[str, str]:
    return {outcome.name: str(outcome.status) for outcome in received.outcomes}


def test_bad_files_are_refused_by_name_and_the_others_continue(
    collection: Collection, add: Add
) -> None:
    received = add(
        collection,
        {
            "good.md": b"# Leave\n\nThirty days.\n",
            "bomb.docx": documents.zip_bomb(60),
            "fake.pdf": b"hello",
            "locked.pdf": documents.encrypted_pdf(["secret"]),
            "notes/also good.txt": b"Ask early.",
            ".DS_Store": b"x",
        },
    )
    assert outcomes(received) == {
        "good.md": "queued",
        "bomb.docx": "refused",
        "fake.pdf": "refused",
        "locked.pdf": "queued",  # found out by the reader process
        "notes/also good.txt": "queued",
        ".DS_Store": "ignored",
    }
    assert rows(collection) == {
        "good.md": "ready",
        "bomb.docx": "refused",
        "fake.pdf": "refused",
        "locked.pdf": "refused",
        "notes/also good.txt": "ready",
    }
    assert received.job
    received.job.refresh_from_db()
    assert (received.job.status, received.job.percent) == (JobStatus.SUCCEEDED, 100)
    refused = Document.objects.get(name="locked.pdf")
    assert refused.error_code == "knowledge.encrypted"


def test_chunks_are_exact_slices_with_their_place(collection: Collection, add: Add) -> None:
    text = "".join(f"## Part {n}\n\n{'A sentence of this part. ' * 30}\n\n" for n in range(6))
    add(collection, {"long.md": text.encode()})
    chunks = list(Chunk.objects.order_by("ordinal"))
    assert len(chunks) == 6
    assert all(chunk.text == text[chunk.start : chunk.end] for chunk in chunks)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    document = Document.objects.get()
    assert (document.chunk_count, document.char_count) == (len(chunks), len(text))


def test_unchanged_file_is_not_indexed_again(collection: Collection, add: Add) -> None:
    add(collection, {"a.md": b"Thirty days."})
    before = Document.objects.get()
    received = add(collection, {"a.md": b"Thirty days."})
    assert outcomes(received) == {"a.md": "unchanged"}
    assert received.job is None
    assert Document.objects.get().indexed_at == before.indexed_at


def test_replaced_file_swaps_when_it_is_ready(
    collection: Collection, add: Add, owner: User
) -> None:
    add(collection, {"a.md": b"Thirty days."})
    old = Document.objects.get()
    received = services.receive(
        collection=collection, files=[("a.md", _upload(b"Twenty-eight days."))], by=owner
    )
    assert received.job
    assert sorted(Document.objects.values_list("status", flat=True)) == ["queued", "ready"]
    from worker.tasks.knowledge import ingest

    ingest(job_id=str(received.job.pk))
    new = Document.objects.get()
    assert (new.pk != old.pk, new.status, new.replaces) == (True, "ready", None)
    assert list(Chunk.objects.values_list("text", flat=True)) == ["Twenty-eight days."]


def test_refused_replacement_leaves_the_earlier_version(collection: Collection, add: Add) -> None:
    add(collection, {"a.pdf": documents.pdf(["The first version of it"])})
    add(collection, {"a.pdf": documents.encrypted_pdf(["The second version"])})
    found = {row.status: row for row in Document.objects.filter(name="a.pdf")}
    assert set(found) == {"ready", "refused"}
    assert found["refused"].replaces == found["ready"]
    assert Chunk.objects.get().text == "The first version of it"
    add(collection, {"a.pdf": documents.pdf(["The third version of it"])})
    assert Chunk.objects.get().text == "The third version of it"
    assert Document.objects.count() == 1


def test_files_of_one_name_in_one_upload_are_numbered(collection: Collection, owner: User) -> None:
    files = [("readme.md", _upload(b"one")), ("readme.md", _upload(b"two"))]
    received = services.receive(collection=collection, files=files, by=owner)
    assert list(outcomes(received)) == ["readme.md", "readme (2).md"]


def test_uploads_join_the_job_that_runs(collection: Collection, owner: User) -> None:
    first = services.add_files(collection=collection, files=[("a.md", _upload(b"one"))], by=owner)
    second = services.add_files(collection=collection, files=[("b.md", _upload(b"two"))], by=owner)
    assert first == second
    from worker.tasks.knowledge import ingest

    ingest(job_id=str(first.pk))
    assert rows(collection) == {"a.md": "ready", "b.md": "ready"}
    third = services.add_files(collection=collection, files=[("c.md", _upload(b"three"))], by=owner)
    assert third != first


def test_removing_a_document_removes_passages_and_file(
    collection: Collection, add: Add, django_capture_on_commit_callbacks: Any
) -> None:
    add(collection, {"a.md": b"one", "b.md": b"two"})
    document = Document.objects.get(name="a.md")
    collection.refresh_from_db()
    before = collection.revision
    with django_capture_on_commit_callbacks(execute=True):
        services.remove_document(document=document)
    collection.refresh_from_db()
    assert collection.revision == before + 1
    assert list(Chunk.objects.values_list("text", flat=True)) == ["two"]
    assert not default_storage.exists(document.file.name)


def test_deleting_a_collection_leaves_nothing(
    collection: Collection, add: Add, django_capture_on_commit_callbacks: Any
) -> None:
    add(collection, {"a.md": b"one"})
    name = Document.objects.get().file.name
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_collection(collection=collection)
    assert (Collection.objects.count(), Document.objects.count(), Chunk.objects.count()) == (
        0,
        0,
        0,
    )
    assert not default_storage.exists(name)


def test_other_chunk_settings_index_again_and_keep_the_file(
    collection: Collection, add: Add, owner: User, django_capture_on_commit_callbacks: Any
) -> None:
    add(collection, {"a.md": b"A sentence of some length. " * 60})
    before = Chunk.objects.count()
    with django_capture_on_commit_callbacks(execute=True):
        job = services.update_collection(
            collection=collection,
            title="Handbook",
            description="",
            chunk_size=300,
            chunk_overlap=0,
            by=owner,
        )
    assert job
    document = Document.objects.get()
    assert document.status == "ready"
    assert document.chunk_count == Chunk.objects.count() > before
    assert default_storage.exists(document.file.name)


def test_names_and_sizes_are_checked(owner: User) -> None:
    services.create_collection(owner=owner, name="a", title="A")
    with pytest.raises(NameTaken):
        services.create_collection(owner=owner, name="a", title="A")
    with pytest.raises(BadName):
        services.create_collection(owner=owner, name="a b", title="A")
    with pytest.raises(BadChunking):
        services.create_collection(
            owner=owner, name="b", title="B", chunk_size=300, chunk_overlap=200
        )
    assert services.free_name(owner=owner, title="A!") == "a-2"


def _upload(content: bytes) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile("x", content)
