"""The pages of collections and documents: happy path, stranger 404, bad input 422, wrong method 405."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.knowledge.domain import limits
from apps.knowledge.models import Chunk, Collection, Document
from apps.knowledge.services import create_collection
from tests.apps.knowledge.conftest import Add

HTMX = {"HTTP_HX_REQUEST": "true"}


def url(name: str, *args: Any) -> str:
    return reverse(f"knowledge:{name}", args=args)


def test_index_lists_own_collections(
    owner_client: Client, collection: Collection, stranger: User
) -> None:
    create_collection(owner=stranger, name="theirs", title="Theirs")
    page = owner_client.get(url("index"))
    assert page.status_code == 200
    assert [row.title for row in page.context["rows"]] == ["Handbook"]


def test_index_fragment_is_what_the_page_includes(
    owner_client: Client, collection: Collection
) -> None:
    fragment = owner_client.get(url("index"), {"q": "hand"}, **HTMX)
    assert b"<html" not in fragment.content
    assert b'id="collections"' in fragment.content


def test_create_makes_a_name_from_the_title(owner_client: Client, owner: User) -> None:
    values = {
        "title": "Staff & more",
        "chunk_size": 800,
        "chunk_overlap": 120,
        "embedding_model": "builtin:all-minilm-l6-v2",
    }
    answer = owner_client.post(url("create"), values)
    made = Collection.objects.get()
    assert answer.status_code == 302
    assert (made.owner, made.name, answer["Location"]) == (
        owner,
        "staff-more",
        made.get_absolute_url(),
    )


@pytest.mark.parametrize(
    "wrong", [{"title": ""}, {"chunk_size": 50}, {"chunk_overlap": 700}, {"name": "a b"}]
)
def test_create_refuses_with_422(owner_client: Client, owner: User, wrong: dict[str, Any]) -> None:
    values = {"title": "T", "chunk_size": 800, "chunk_overlap": 120, "embedding_model": "x"} | wrong
    assert owner_client.post(url("create"), values).status_code == 422
    assert not Collection.objects.exists()


def test_collection_page_of_nothing_says_what_to_do(
    owner_client: Client, collection: Collection
) -> None:
    page = owner_client.get(collection.get_absolute_url())
    assert page.status_code == 200
    assert "No documents yet" in page.content.decode()


def test_same_number_of_queries_for_one_and_three_documents(
    owner_client: Client,
    collection: Collection,
    add: Add,
    django_assert_max_num_queries: Any,
    django_assert_num_queries: Any,
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for files in ({"a.md": b"one"}, {"b.md": b"two", "c.md": b"three"}):
        add(collection, files)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            owner_client.get(collection.get_absolute_url())
        counts.append(len(queries))
    assert counts[0] == counts[1] < 15


def test_documents_are_found_by_name_and_state(
    owner_client: Client, collection: Collection, add: Add
) -> None:
    add(collection, {"leave.md": b"one", "sick.md": b"two", "fake.pdf": b"three"})
    for query, expected in (
        ({"q": "leave"}, ["leave.md"]),
        ({"state": "refused"}, ["fake.pdf"]),
        ({"q": "leave", "state": "refused"}, []),
    ):
        page = owner_client.get(collection.get_absolute_url(), query, **HTMX)
        assert [row.name for row in page.context["rows"]] == expected


def test_everything_of_a_stranger_is_404(
    stranger_client: Client, collection: Collection, add: Add
) -> None:
    add(collection, {"a.md": b"one"})
    document, chunk = Document.objects.get(), Chunk.objects.get()
    for name in ("collection", "settings", "documents", "progress", "search"):
        assert stranger_client.get(url(name, collection.pk)).status_code == 404
    for name in ("delete", "upload", "retry"):
        assert stranger_client.post(url(name, collection.pk)).status_code == 404
    for name in ("document", "original"):
        assert stranger_client.get(url(name, document.pk)).status_code == 404
    assert stranger_client.post(url("remove", document.pk)).status_code == 404
    assert stranger_client.get(url("passage", chunk.pk)).status_code == 404


def test_wrong_methods_are_405(owner_client: Client, collection: Collection) -> None:
    for name in ("delete", "upload", "retry"):
        assert owner_client.get(url(name, collection.pk)).status_code == 405
    assert owner_client.post(url("documents", collection.pk)).status_code == 405


def test_nobody_signed_in_is_sent_to_sign_in(client: Client, collection: Collection) -> None:
    answer = client.get(collection.get_absolute_url())
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("accounts:login"))


def test_upload_by_the_plain_form(
    owner_client: Client, collection: Collection, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = owner_client.post(
            url("upload", collection.pk),
            {
                "files": [
                    SimpleUploadedFile("a.md", b"Thirty days."),
                    SimpleUploadedFile("b.pdf", b"x"),
                ]
            },
        )
    assert answer.status_code == 302
    page = owner_client.get(answer["Location"]).content.decode()
    assert "1 file taken" in page
    assert "b.pdf: " in page
    assert dict(Document.objects.values_list("name", "status")) == {
        "a.md": "ready",
        "b.pdf": "refused",
    }


def test_upload_answers_a_script_in_json(owner_client: Client, collection: Collection) -> None:
    answer = owner_client.post(
        url("upload", collection.pk),
        {
            "files": [SimpleUploadedFile("a.md", b"one"), SimpleUploadedFile("x.pdf", b"two")],
            "paths": ["guide/../../a.md", "guide/x.pdf"],
        },
        HTTP_ACCEPT="application/json, text/html;q=0.5",
    )
    told = json.loads(answer.content)
    assert [(file["name"], file["status"]) for file in told["files"]] == [
        ("guide/a.md", "queued"),
        ("guide/x.pdf", "refused"),
    ]
    assert [file["name"] for file in told["refused"]] == ["guide/x.pdf"]


def test_upload_over_the_limit_is_refused_by_name_and_the_rest_kept(
    owner_client: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (
        "apps.knowledge.uploads",
        "apps.knowledge.storage",
        "apps.knowledge.domain.media",
    ):
        monkeypatch.setattr(f"{module}.FILE_BYTES", 1_000)
    owner_client.post(
        url("upload", collection.pk),
        {
            "files": [
                SimpleUploadedFile("big.txt", b"x" * 5_000),
                SimpleUploadedFile("a.md", b"one"),
            ]
        },
    )
    found = {row.name: row for row in Document.objects.all()}
    assert (found["big.txt"].status, found["big.txt"].error_code) == (
        "refused",
        "knowledge.too-large",
    )
    assert found["big.txt"].size_bytes == 5_000
    assert found["a.md"].status == "queued"


def test_upload_without_the_form_token_is_refused(collection: Collection) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(collection.owner)
    answer = client.post(
        url("upload", collection.pk), {"files": [SimpleUploadedFile("a.md", b"x")]}
    )
    assert answer.status_code == 403
    assert not Document.objects.exists()


def test_a_folder_of_a_thousand_files_in_one_form(
    owner_client: Client, collection: Collection
) -> None:
    files = [SimpleUploadedFile(f"{n}.md", b"text %d" % n) for n in range(1_000)]
    answer = owner_client.post(
        url("upload", collection.pk),
        {"files": files, "paths": [f"folder/{n}.md" for n in range(1_000)]},
    )
    assert answer.status_code == 302
    assert Document.objects.filter(status="queued", name__startswith="folder/").count() == 1_000


def test_progress_says_when_all_is_done(
    owner_client: Client, collection: Collection, add: Add
) -> None:
    add(collection, {"a.md": b"one"})
    document = Document.objects.get()
    answer = owner_client.get(
        url("progress", collection.pk), {"shown": [str(document.pk), "x"]}, **HTMX
    )
    assert f'id="state-{document.pk}"' in answer.content.decode()
    assert "documents-changed" in answer["HX-Trigger-After-Settle"]
    assert "every 1500ms" not in answer.content.decode()


def test_document_page_shows_its_passages(
    owner_client: Client, collection: Collection, add: Add
) -> None:
    add(collection, {"guide/leave.md": b"# Leave\n\nThirty <b>days</b>.\n"})
    page = owner_client.get(Document.objects.get().get_absolute_url()).content.decode()
    assert "Thirty &lt;b&gt;days&lt;/b&gt;." in page
    assert "characters 0–" in page


@pytest.mark.parametrize("name", ["page.html", "drawing.txt"])
def test_original_is_a_download_that_never_runs(
    owner_client: Client, collection: Collection, add: Add, name: str
) -> None:
    content = b"<html><body><script>alert(1)</script><p>Hello there</p></body></html>"
    add(collection, {name: content})
    answer = owner_client.get(url("original", Document.objects.get().pk))
    assert b"".join(answer.streaming_content) == content  # type: ignore[attr-defined]
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")


def test_passage_marks_the_quotation_within_its_neighbours(
    owner_client: Client, collection: Collection, add: Add
) -> None:
    text = " ".join(f"Sentence number {n} says something of its own." for n in range(60))
    add(collection, {"long.txt": text.encode()})
    chunk = Chunk.objects.get(ordinal=1)
    page = owner_client.get(url("passage", chunk.pk), {"start": 5, "end": 25})
    assert page.context["quote"] == chunk.text[5:25]
    around = (
        page.context["before"] + page.context["lead"] + page.context["quote"] + page.context["rest"]
    )
    assert "<mark" in page.content.decode()
    assert around.replace("\n", " ").startswith("Sentence number 0")
    for wrong in ({"start": "x"}, {"start": 25, "end": 5}, {"start": 0, "end": 10**9}):
        assert owner_client.get(url("passage", chunk.pk), wrong).context["whole"] is True


def test_search_box_finds_and_refuses(
    owner_client: Client, collection: Collection, add: Add
) -> None:
    add(
        collection,
        {"leave.md": b"Everybody gets thirty days of leave.", "net.md": b"The net is low."},
    )
    page = owner_client.get(url("search", collection.pk), {"q": "How many days off?"}, **HTMX)
    assert [passage.document for passage in page.context["passages"]] == ["leave.md", "net.md"]
    assert owner_client.get(url("search", collection.pk), {"q": ""}, **HTMX).status_code == 422


def test_retry_queues_what_failed(
    owner_client: Client, collection: Collection, add: Add, django_capture_on_commit_callbacks: Any
) -> None:
    add(collection, {"a.md": b"one", "b.pdf": b"no pdf"})
    Document.objects.filter(name="a.md").update(status="failed", error_message="The disk was full.")
    page = owner_client.get(collection.get_absolute_url()).content.decode()
    assert "1 file could not be indexed." in page
    with django_capture_on_commit_callbacks(execute=True):
        assert owner_client.post(url("retry", collection.pk)).status_code == 302
    assert dict(Document.objects.values_list("name", "status")) == {
        "a.md": "ready",
        "b.pdf": "refused",
    }


def test_remove_and_delete(owner_client: Client, collection: Collection, add: Add) -> None:
    add(collection, {"a.md": b"one"})
    assert owner_client.post(url("remove", Document.objects.get().pk)).status_code == 302
    assert not Chunk.objects.exists()
    assert owner_client.post(url("delete", collection.pk)).status_code == 302
    assert not Collection.objects.exists()


def test_shared_knowledge_is_read_by_all_and_changed_by_administrators(
    stranger_client: Client, admin_client: Client, collection: Collection, settings: Any
) -> None:
    settings.KNOWLEDGE_SHARED = True
    assert stranger_client.get(collection.get_absolute_url()).status_code == 200
    assert stranger_client.post(url("delete", collection.pk)).status_code == 403
    assert stranger_client.get(url("create")).status_code == 403
    assert admin_client.post(url("delete", collection.pk)).status_code == 302


def test_limits_are_what_the_page_says() -> None:
    assert limits.FILE_BYTES == 100 * 1024 * 1024
