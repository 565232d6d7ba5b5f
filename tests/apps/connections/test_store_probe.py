from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.connections import discovery, services
from apps.connections.domain.probe import ProbeResult
from apps.connections.domain.store_probe import probe_store
from apps.connections.models import Endpoint
from apps.connections.queries import model_server
from apps.connections.services import create_endpoint
from apps.runtime.errors import NotAllowed
from apps.runtime.stores.opening import close_stores, open_store
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.vector_stores import FakeMilvus, FakeQdrant
from tests.servers import redis, vector_stores
from tests.servers.vector_stores import KINDS, PASSWORD, VectorStore

PRODUCTS = {
    "redis": "Redis 7",
    "qdrant": "Qdrant 1",
    "milvus": "Milvus",
    "pgvector": "PostgreSQL 1",
}


@pytest.fixture(scope="module", params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[VectorStore]:
    yield from vector_stores.running(request.param)


def probe(store: VectorStore, key: str = PASSWORD, allow_private: bool = True) -> ProbeResult:
    server = store.server
    return async_to_sync(probe_store)(
        server.base_url, key, server.kind, allow_private=allow_private
    )


def test_a_store_that_works_says_its_version_and_latency(store: VectorStore) -> None:
    result = probe(store)

    assert (result.outcome, result.code) == ("ok", "ok")
    assert result.message.startswith(PRODUCTS[store.kind])
    assert "answers and can search vectors." in result.message
    assert result.reply_ms is not None


@pytest.mark.parametrize("key", ["", "a-wrong-password"])
def test_a_wrong_password_is_named_and_not_shown(store: VectorStore, key: str) -> None:
    result = probe(store, key)

    assert (result.outcome, result.code) == ("failed", "connections.key")
    assert "a-wrong-password" not in str(result.as_dict())


def test_a_store_that_is_down_is_named(store: VectorStore) -> None:
    store.proxy.stop()
    try:
        result = probe(store)
    finally:
        store.proxy.start()

    assert (result.outcome, result.code) == ("failed", "connections.unreachable")
    assert "The server did not answer: it refuses connections." in result.message


def test_a_private_address_is_refused_where_it_must_be(store: VectorStore) -> None:
    assert probe(store, allow_private=False).code == "connections.address-refused"


def test_a_saved_store_is_tested_with_its_secret(owner: User, store: VectorStore) -> None:
    server = store.server
    endpoint = create_endpoint(
        owner=owner, name="s", base_url=server.base_url, api_key=PASSWORD, kind=server.kind
    )

    services.test_saved_endpoint(endpoint=endpoint)

    endpoint.refresh_from_db()
    assert endpoint.test_result["outcome"] == "ok"
    assert PASSWORD not in str(Endpoint.objects.values())
    assert model_server(owner, "s").api_key == PASSWORD
    assert PASSWORD not in repr(model_server(owner, "s"))


def test_a_name_that_leads_to_a_private_address_is_refused_when_it_is_used(
    store: VectorStore, settings: Any
) -> None:
    """The guard sees names again at the moment of connecting, for every protocol."""
    settings.ENDPOINTS_ALLOW_PRIVATE = False

    named = replace(store.server, base_url=store.server.base_url.replace("127.0.0.1", "localhost"))

    async def ask() -> None:
        try:
            await open_store(named).about()
        finally:
            await close_stores()

    with pytest.raises(NotAllowed):
        async_to_sync(ask)()


def test_a_redis_without_the_query_engine_is_told(redis_server: redis.Redis) -> None:
    result = async_to_sync(probe_store)(redis_server.url, "", "redis", allow_private=True)

    assert (result.outcome, result.code) == ("failed", "connections.no-vectors")
    assert "Redis 8, Redis Stack and Redis Cloud have it" in result.message


@pytest.mark.parametrize("kind", ["qdrant", "milvus"])
def test_another_server_is_told(kind: str, openai_server: FakeOpenAI) -> None:
    url = openai_server.url.removesuffix("/v1")
    result = async_to_sync(probe_store)(url, "", kind, allow_private=True)

    assert (result.outcome, result.code) == ("failed", "connections.not-store")


# Pages --------------------------------------------------------------------------------------------


def test_the_form_explains_the_address_of_each_kind(owner_client: Client) -> None:
    url = reverse("connections:create")

    page = owner_client.get(url, {"kind": "pgvector"}).content.decode()

    assert "postgresql://user@localhost:5432/database" in page
    assert "The user&#x27;s password; the address holds the name only." in page
    assert "http://localhost:6333" in owner_client.get(url, {"kind": "qdrant"}).content.decode()


def test_create_connects_a_store(owner_client: Client) -> None:
    with FakeQdrant("k3y") as server:
        values = {"title": "My Qdrant", "kind": "qdrant", "base_url": server.url, "api_key": "k3y"}
        response = owner_client.post(reverse("connections:create"), values)

    endpoint = Endpoint.objects.get()
    assert response.status_code == 302
    assert (endpoint.kind, endpoint.keeps_vectors) == ("qdrant", True)
    detail = owner_client.get(endpoint.get_absolute_url()).content.decode()
    assert "Qdrant 1.15.5 answers and can search vectors." in detail
    assert "k3y" not in detail


def test_create_refuses_a_password_in_the_address_without_repeating_it(
    owner_client: Client,
) -> None:
    values = {"title": "R", "kind": "redis", "base_url": "redis://:hush@localhost:6379"}
    response = owner_client.post(
        reverse("connections:create"), values, headers={"HX-Request": "true"}
    )

    assert response.status_code == 422
    assert "it contains a password" in response.content.decode()
    assert "hush" not in response.content.decode()


def test_detail_keeps_the_kind_when_the_address_changes(owner_client: Client, owner: User) -> None:
    endpoint = create_endpoint(
        owner=owner, name="r", title="R", base_url="redis://localhost:6379", kind="redis"
    )
    url = endpoint.get_absolute_url()

    assert (
        owner_client.post(url, {"title": "R", "base_url": "http://localhost:1"}).status_code == 422
    )
    saved = owner_client.post(url, {"title": "R", "base_url": "redis://localhost:6380"})

    assert saved.status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.kind, endpoint.base_url) == ("redis", "redis://localhost:6380")


def test_stores_on_this_machine_are_found(
    owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeQdrant() as qdrant, FakeMilvus() as milvus, FakeQdrant("k") as closed:
        ports = {qdrant.port: "qdrant", milvus.port: "milvus", closed.port: "qdrant"}
        monkeypatch.setattr(discovery, "PORTS", {})
        monkeypatch.setattr(discovery, "STORES", ports)
        found = owner_client.post(reverse("connections:discover")).context["found"]

    assert [(one.kind, one.speaks) for one in found] == [
        ("Qdrant 1.15.5", "qdrant"),
        ("Milvus", "milvus"),
    ]
