from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.knowledge.models import Collection, Document
from apps.knowledge.services import create_collection
from tests.apps.api.conftest import Api

HOLIDAYS = b"# Holidays\n\nEvery employee has thirty days of paid holiday per year.\n"


def file(name: str = "holidays.md", data: bytes = HOLIDAYS) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


@pytest.fixture
def collection(owner: User) -> Collection:
    return create_collection(owner=owner, name="handbook", title="Handbook")


def test_create_names_a_collection(api: Api) -> None:
    made = api.post("/collections", {"title": "My handbook"})
    again = api.post("/collections", {"title": "My handbook"})
    taken = api.post("/collections", {"title": "X", "name": "my-handbook"})

    assert (made.status_code, made.json()["name"]) == (201, "my-handbook")
    assert again.json()["name"] == "my-handbook-2"
    assert (taken.status_code, taken.json()["code"]) == (409, "knowledge.name-taken")


def test_create_refuses_bad_chunking(api: Api) -> None:
    answer = api.post("/collections", {"title": "X", "chunk_size": 800, "chunk_overlap": 799})

    assert (answer.status_code, answer.json()["code"]) == (422, "knowledge.bad-chunking")


@pytest.mark.django_db(transaction=True)
def test_upload_index_search_and_remove(api: Api, collection: Collection) -> None:
    path = f"/collections/{collection.pk}"
    uploaded = api.upload(
        f"{path}/documents",
        {
            "files": [file(), file("b.bin", b"\x00\x01\x02")],
            "paths": ["hr/holidays.md", "hr/b.bin"],
        },
    )
    outcomes = uploaded.json()["outcomes"]
    listed = api.get(f"{path}/documents").json()
    found = api.post(f"{path}/search", {"query": "How many days of holiday?", "k": 1}).json()
    passage = found["passages"][0]
    document = api.get(f"/documents/{passage['document_id']}").json()
    removed = api.delete(f"/documents/{passage['document_id']}")

    assert uploaded.status_code == 202
    assert [(one["name"], one["status"]) for one in outcomes] == [
        ("hr/holidays.md", "queued"),
        ("hr/b.bin", "refused"),
    ]
    assert uploaded.json()["job"]["kind"] == "knowledge.ingest"
    assert [row["status"] for row in listed["results"]] == ["refused", "ready"]
    assert "thirty days" in passage["text"]
    assert (passage["document"], document["name"]) == ("hr/holidays.md", "hr/holidays.md")
    assert removed.status_code == 204
    assert api.post(f"{path}/search", {"query": "holiday"}).json() == {"passages": []}


def test_upload_refuses_a_broken_request(api: Api, collection: Collection) -> None:
    path = f"/collections/{collection.pk}/documents"

    nothing = api.upload(path, {"paths": ["a"]})
    uneven = api.upload(path, {"files": [file()], "paths": ["a", "b"]})

    assert nothing.json()["detail"] == "Send at least one file as a form field named “files”."
    assert uneven.json()["detail"] == "There are 1 files and 2 paths."
    assert not Document.objects.exists()


def test_documents_are_filtered(api: Api, collection: Collection) -> None:
    path = f"/collections/{collection.pk}/documents"
    api.upload(path, {"files": [file("a.bin", b"\x00\x01"), file("z.bin", b"\x00\x02")]})

    assert api.get(path, status="refused").json()["count"] == 2
    assert api.get(path, status="ready").json()["count"] == 0
    assert [row["name"] for row in api.get(path, search="z.").json()["results"]] == ["z.bin"]
    assert api.get(path, status="lost").status_code == 400


def test_change_and_delete(api: Api, collection: Collection) -> None:
    path = f"/collections/{collection.pk}"

    changed = api.patch(path, {"title": "Handbook 2"})

    assert (changed.status_code, changed.json()["title"]) == (200, "Handbook 2")
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_lists_take_the_same_queries_for_more_rows(
    api: Api, owner: User, collection: Collection, queries
) -> None:
    documents = f"/collections/{collection.pk}/documents"
    api.upload(documents, {"files": [file("a.bin", b"\x00\x01")]})
    one = (queries(lambda: api.get("/collections")), queries(lambda: api.get(documents)))
    create_collection(owner=owner, name="two", title="Two")
    create_collection(owner=owner, name="three", title="Three")
    api.upload(documents, {"files": [file("b.bin", b"\x00\x02"), file("c.bin", b"\x00\x03")]})

    assert (queries(lambda: api.get("/collections")), queries(lambda: api.get(documents))) == one


def test_strangers_find_nothing(strange_api: Api, collection: Collection) -> None:
    path = f"/collections/{collection.pk}"
    answers = [
        strange_api.get(path),
        strange_api.patch(path, {"title": "x"}),
        strange_api.delete(path),
        strange_api.post(f"{path}/search", {"query": "x"}),
        strange_api.post(f"{path}/retry"),
        strange_api.get(f"{path}/documents"),
        strange_api.upload(f"{path}/documents", {"files": [file()]}),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert strange_api.get("/collections").json()["count"] == 0
