"""The knowledge step: what most projects need in sight, the rest behind “Advanced”."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.connections.models import Endpoint
from apps.knowledge.models import Collection
from apps.projects.models import Project
from tests.apps.projects.conftest import change
from tests.apps.projects.test_wizard import HTMX, address, saved, send

SIMPLE = {
    "collections": ["handbook"],
    "size": "800",
    "overlap": "120",
    "mode": "hybrid",
    "k": "6",
}
ADVANCED = {
    "diversity": "0.3",
    "min_score": "0.25",
    "rerank": "tei",
    "rerank_model": "",
    "top_n": "2",
    "store": "qdrant",
    "store_connection": "vectors",
}


@pytest.fixture
def endpoints(owner: User) -> None:
    for name, kind in (
        ("vectors", "qdrant"), ("cache", "redis"), ("tei", "opea"), ("local", "openai"), ("shop", "http"),
    ):  # fmt: skip
        Endpoint.objects.create(
            owner=owner, name=name, title=name.title(), kind=kind, base_url="http://x:1"
        )


def page(client: Client, project: Project) -> str:
    return client.get(address(project, "knowledge")).content.decode()


def choices(text: str, name: str) -> list[str]:
    box = re.search(rf'<select name="{name}".*?</select>', text, re.DOTALL)
    assert box
    return re.findall(r'<option value="([^"]*)"', box[0])


def said(text: str, field: str) -> str:
    found = re.search(rf'<div id="said-{field}"[^>]*>(.*?)</div>', text, re.DOTALL)
    assert found
    return re.sub(r"<[^>]+>", "", found[1]).strip()


def test_advanced_is_closed_until_something_of_it_is_set(
    owner: User, owner_client: Client, ready: Project, endpoints: None
) -> None:
    assert '<details id="advanced" class="border-t border-base-300 pt-2">' in page(
        owner_client, ready
    )

    change(ready, owner, knowledge__retrieve__diversity=0.3)

    assert re.search(r'<details id="advanced"[^>]* open>', page(owner_client, ready))


def test_each_choice_offers_the_connections_that_can_do_it(
    owner_client: Client, ready: Project, endpoints: None
) -> None:
    text = page(owner_client, ready)

    assert sorted(choices(text, "rerank")) == ["", "local", "tei"]
    assert sorted(choices(text, "store_connection")) == ["", "cache", "vectors"]
    assert choices(text, "store") == ["embedded", "pgvector", "redis", "qdrant", "milvus"]


def test_everything_is_saved(owner_client: Client, ready: Project, endpoints: None) -> None:
    response = send(owner_client, ready, "knowledge", SIMPLE | ADVANCED)

    assert response.status_code == 302
    knowledge = saved(ready).knowledge
    assert (knowledge.retrieve.diversity, knowledge.retrieve.min_score) == (0.3, 0.25)
    assert (knowledge.rerank.connection, knowledge.rerank.top_n) == ("tei", 2)
    assert (knowledge.store.kind, knowledge.store.connection) == ("qdrant", "vectors")


def test_what_is_not_sent_stays_and_what_is_emptied_goes(
    owner_client: Client, ready: Project, endpoints: None
) -> None:
    send(owner_client, ready, "knowledge", SIMPLE | ADVANCED)
    send(owner_client, ready, "knowledge", SIMPLE)
    assert saved(ready).knowledge.store.connection == "vectors"

    emptied = ADVANCED | {"rerank": "", "store": "embedded", "store_connection": ""}
    send(owner_client, ready, "knowledge", SIMPLE | emptied)

    knowledge = saved(ready).knowledge
    assert (knowledge.rerank.connection, knowledge.rerank.top_n) == (None, 2)
    assert (knowledge.store.kind, knowledge.store.connection) == ("embedded", None)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("diversity", "1.5", "It must be from 0 to 1."),
        ("min_score", "", "Type a number."),
        ("top_n", "0", "It must be from 1 to 50."),
        ("store", "elastic", "Select a valid choice"),
        ("rerank", "vectors", "Select a valid choice"),
        ("rerank_model", "m" * 201, "at most 200 characters"),
    ],
)
def test_what_does_not_fit_is_said_with_the_part_open(
    owner_client: Client, ready: Project, endpoints: None, field: str, value: str, message: str
) -> None:
    response = send(owner_client, ready, "knowledge", SIMPLE | ADVANCED | {field: value})

    text = response.content.decode()
    assert response.status_code == 422
    assert message in text
    assert re.search(r'<details id="advanced"[^>]* open>', text)
    assert saved(ready).knowledge.retrieve.diversity == 0


def test_findings_stand_at_their_fields(
    owner: User, owner_client: Client, ready: Project, endpoints: None
) -> None:
    change(
        ready,
        owner,
        knowledge__store={"kind": "qdrant", "connection": "cache"},
        knowledge__rerank={"connection": "local", "top_n": 9},
    )
    owner_client.get(address(ready, "review"))

    text = page(owner_client, ready)

    assert said(text, "store_connection").startswith("“cache” leads to Redis, not to Qdrant.")
    assert said(text, "rerank_model") == "Choose the reranking model that local serves."
    assert "reranking only sorts them" in said(text, "top_n")
    assert said(text, "k") == said(text, "store") == ""


def test_findings_and_preview_follow_while_it_is_edited(
    owner_client: Client, ready: Project, endpoints: None
) -> None:
    wrong = SIMPLE | ADVANCED | {"store_connection": "cache"}
    response = send(owner_client, ready, "knowledge", wrong, go="", headers=HTMX)

    text = response.content.decode()
    assert (
        'id="said-store_connection" class="grid gap-1 empty:hidden" aria-live="polite" hx-swap-oob="true"'
        in text
    )
    assert "leads to Redis, not to Qdrant" in said(text, "store_connection")
    assert "Vector store: Qdrant" in text
    assert "kind: qdrant" in re.sub(r"<[^>]+>", "", text)


def test_a_connection_that_is_gone_stays_visible(
    owner: User, owner_client: Client, ready: Project
) -> None:
    change(ready, owner, knowledge__store={"kind": "redis", "connection": "gone"})
    owner_client.get(address(ready, "review"))

    text = page(owner_client, ready)

    assert "gone (no such connection)" in text
    assert said(text, "store_connection").startswith("There is no connection “gone”.")


def test_review_says_it_in_words(
    owner_client: Client, ready: Project, collection: Collection, endpoints: None
) -> None:
    send(owner_client, ready, "knowledge", SIMPLE | ADVANCED)

    text = owner_client.get(address(ready, "review")).content.decode()

    assert "Qdrant at vectors" in text
    assert "keeps 2 of them, by tei" in text
    assert "diversity 0.3, similarity at least 0.25" in text


def test_yaml_offers_the_stores_of_its_owner(
    owner_client: Client, ready: Project, endpoints: None
) -> None:
    response = owner_client.get(reverse("projects:yaml", args=[ready.pk]))

    assert sorted(response.context["values"]["spec.knowledge.store.connection"]) == [
        "cache",
        "vectors",
    ]
