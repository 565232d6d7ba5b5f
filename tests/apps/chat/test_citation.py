from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.test import Client

from apps.accounts.models import User
from apps.chat.models import ChatMessage
from apps.knowledge.models import Chunk, Collection, Document

Answered = Callable[..., ChatMessage]
HTMX = {"HX-Request": "true"}
TEXTS = ["Before it, overlap.", "overlap. The notice period is three months.", "months. After it."]


@pytest.fixture
def chunks(owner: User) -> list[Chunk]:
    """Three pieces of one document that share their ends."""
    collection = Collection.objects.create(owner=owner, name="handbook", title="Handbook")
    document = Document.objects.create(
        collection=collection, name="handbook.md", size_bytes=1, sha256="0" * 64, status="ready"
    )
    starts = [0, 11, 47]
    return [
        Chunk.objects.create(
            collection=collection,
            document=document,
            ordinal=ordinal,
            text=text,
            start=starts[ordinal],
            end=starts[ordinal] + len(text),
            embedding=np.zeros(4, dtype=np.float32),
        )
        for ordinal, text in enumerate(TEXTS)
    ]


def _citation(chunk: Chunk, quote: str) -> dict[str, Any]:
    start = chunk.text.index(quote)
    return {
        "number": 2,
        "quote": quote,
        "quote_start": start,
        "quote_end": start + len(quote),
        "passage": {
            "chunk_id": str(chunk.pk),
            "document_id": str(chunk.document_id),
            "document": "handbook.md",
            "text": chunk.text,
            "score": 0.5,
            "ordinal": chunk.ordinal,
            "start": chunk.start,
            "end": chunk.end,
            "page": 4,
            "heading": "Leaving",
        },
    }


def test_passages_that_share_nothing_are_set_apart(
    owner_client: Client, answered: Answered, chunks: list[Chunk]
) -> None:
    Chunk.objects.filter(pk=chunks[0].pk).update(start=0, end=10, text="# Leaving!")
    Chunk.objects.filter(pk=chunks[2].pk).update(start=56, text="## After")
    reply = answered("[2]", citations=[_citation(chunks[1], "three months")])

    html = owner_client.get(
        f"/chat/messages/{reply.pk}/citations/2/", headers=HTMX
    ).content.decode()

    assert '<span class="chat-passage-around"># Leaving!\n</span>' in html
    assert '<span class="chat-passage-around">\n\n## After</span>' in html


def test_citation_marks_the_quote_between_its_neighbours(
    owner_client: Client, answered: Answered, chunks: list[Chunk]
) -> None:
    reply = answered("[2]", citations=[_citation(chunks[1], "three months")])

    html = owner_client.get(
        f"/chat/messages/{reply.pk}/citations/2/", headers=HTMX
    ).content.decode()

    assert "<mark>three months</mark>" in html
    assert '<span class="chat-passage-around">Before it, </span>overlap. The notice' in html
    assert '<span class="chat-passage-around"> After it.</span>' in html
    assert "Page 4, Leaving" in html
    assert f"/knowledge/passages/{chunks[1].pk}/" in html


def test_citation_of_a_document_that_is_gone_shows_the_passage_as_it_was(
    owner_client: Client, answered: Answered, citations: list[dict[str, Any]]
) -> None:
    reply = answered("[1]", citations=citations)

    html = owner_client.get(f"/chat/messages/{reply.pk}/citations/1/").content.decode()

    assert "The notice period is <mark>three months</mark> for everybody." in html
    assert "has changed or is gone since" in html
    assert "<html" in html


def test_citation_does_not_open_documents_of_others(
    owner_client: Client, answered: Answered, chunks: list[Chunk], stranger: User
) -> None:
    Collection.objects.update(owner=stranger)
    reply = answered("[2]", citations=[_citation(chunks[1], "three months")])

    html = owner_client.get(f"/chat/messages/{reply.pk}/citations/2/").content.decode()

    assert "<mark>three months</mark>" in html
    assert "Before it" not in html


def test_markup_in_a_passage_is_text(
    owner_client: Client, answered: Answered, citations: list[dict[str, Any]]
) -> None:
    passage = citations[0]["passage"] | {"text": "<svg onload=alert(1)>", "document": "<b>x</b>"}
    evil = [citations[0] | {"passage": passage, "quote_start": 0, "quote_end": 0}]
    reply = answered("[1]", citations=evil)

    html = owner_client.get(f"/chat/messages/{reply.pk}/citations/1/").content.decode()

    assert "<svg onload" not in html
    assert "<b>x</b>" not in html


def test_unknown_number_and_stranger_get_404(
    owner_client: Client, stranger_client: Client, answered: Answered, citations: list
) -> None:
    reply = answered("[1]", citations=citations)

    assert owner_client.get(f"/chat/messages/{reply.pk}/citations/9/").status_code == 404
    assert stranger_client.get(f"/chat/messages/{reply.pk}/citations/1/").status_code == 404


def test_wrong_method_is_405(owner_client: Client, answered: Answered, citations: list) -> None:
    reply = answered("[1]", citations=citations)

    assert owner_client.post(f"/chat/messages/{reply.pk}/citations/1/").status_code == 405
