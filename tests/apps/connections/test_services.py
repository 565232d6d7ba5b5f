from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from apps.accounts.models import AuditEntry, User
from apps.connections.errors import (
    AddressRefused,
    ConnectionUnknown,
    NameTaken,
    SecretUnreadable,
)
from apps.connections.models import Endpoint, Secret
from apps.connections.queries import kinds_of, model_server, served_models
from apps.connections.secrets import encrypt, reveal
from apps.connections.services import (
    create_endpoint,
    delete_endpoint,
    discover,
    set_key,
    update_endpoint,
)
from apps.connections.services import test_saved_endpoint as run_saved_test
from tests.fakes.opea_server import FakeOpea
from tests.fakes.openai_server import FakeOpenAI

URL = "http://127.0.0.1:8000/v1"


def connect(owner: User, name: str = "local", key: str = "sk-1", url: str = URL) -> Endpoint:
    return create_endpoint(owner=owner, name=name, base_url=url, api_key=key)


def test_key_is_encrypted_at_rest(owner: User) -> None:
    connect(owner, key="sk-very-secret")
    with connection.cursor() as cursor:
        cursor.execute("SELECT ciphertext FROM connections_secret")
        stored = bytes(cursor.fetchone()[0])

    assert b"sk-very-secret" not in stored
    assert reveal(Secret.objects.get()) == "sk-very-secret"


def test_same_key_is_never_stored_twice_alike() -> None:
    assert encrypt("sk") != encrypt("sk")


def test_changed_encryption_key_is_said(owner: User, settings) -> None:
    endpoint = connect(owner)
    settings.ENCRYPTION_KEY = "another"

    with pytest.raises(SecretUnreadable):
        model_server(owner, endpoint.name)


def test_model_server_has_address_and_key(owner: User) -> None:
    connect(owner)
    server = model_server(owner, "local")

    assert (server.base_url, server.api_key) == (URL, "sk-1")
    assert "sk-1" not in repr(server)


def test_model_server_of_somebody_else_is_unknown(owner: User, stranger: User) -> None:
    connect(owner)

    with pytest.raises(ConnectionUnknown):
        model_server(stranger, "local")


def test_model_server_obeys_a_rule_made_later(owner: User, settings) -> None:
    connect(owner)
    settings.ENDPOINTS_ALLOW_PRIVATE = False

    with pytest.raises(AddressRefused):
        model_server(owner, "local")


def test_name_is_unique_per_owner(owner: User, stranger: User) -> None:
    connect(owner)
    connect(stranger)

    with pytest.raises(NameTaken):
        connect(owner)
    with pytest.raises(NameTaken):
        connect(owner, name="builtin")


def test_new_address_drops_the_key(owner: User) -> None:
    endpoint = connect(owner)
    update_endpoint(endpoint=endpoint, title="T", base_url="http://127.0.0.1:9000/v1")

    assert model_server(owner, "local").api_key == ""
    assert Secret.objects.count() == 0


def test_empty_key_keeps_the_stored_one(owner: User) -> None:
    endpoint = connect(owner)
    update_endpoint(endpoint=endpoint, title="Renamed", base_url=URL)

    assert model_server(owner, "local").api_key == "sk-1"


def test_key_is_replaced_and_forgotten(owner: User) -> None:
    endpoint = connect(owner)
    set_key(endpoint=endpoint, api_key="sk-2")
    assert model_server(owner, "local").api_key == "sk-2"
    update_endpoint(endpoint=endpoint, title="", base_url=URL, forget_key=True)

    assert Secret.objects.count() == 0


def test_deleting_takes_the_key_along(owner: User) -> None:
    delete_endpoint(endpoint=connect(owner))

    assert (Endpoint.objects.count(), Secret.objects.count()) == (0, 0)


def test_test_keeps_models_and_result(owner: User, openai_server: FakeOpenAI) -> None:
    endpoint = connect(owner, url=openai_server.url)
    run_saved_test(endpoint=endpoint)
    endpoint.refresh_from_db()

    assert served_models(owner) == {"local": ("fake-model", "fake-model-large")}
    assert endpoint.test_result["outcome"] == "ok"
    assert "sk-1" not in str(endpoint.test_result)


def test_failed_test_keeps_the_models_of_the_last_good_one(owner: User) -> None:
    with FakeOpenAI() as server:
        endpoint = connect(owner, url=server.url)
        run_saved_test(endpoint=endpoint)
    result = run_saved_test(endpoint=endpoint)

    assert result.outcome == "failed"
    assert served_models(owner)["local"] == ("fake-model", "fake-model-large")


def test_discover_is_refused_where_private_addresses_are(settings) -> None:
    settings.ENDPOINTS_ALLOW_PRIVATE = False

    with pytest.raises(AddressRefused):
        discover()


def test_discover_finds_a_server_on_a_usual_port(monkeypatch, openai_server: FakeOpenAI) -> None:
    from apps.connections import discovery

    monkeypatch.setattr(discovery, "PORTS", {openai_server.port: "vLLM", 1: "Nothing"})
    found = discover()

    assert [(one.base_url, one.kind, one.models) for one in found] == [
        (openai_server.url, "Practice server", ("fake-model", "fake-model-large"))
    ]
    assert discover(frozenset({openai_server.port})) == []


def test_what_happens_to_keys_is_recorded_without_them(owner: User) -> None:
    endpoint = connect(owner, key="sk-very-secret")
    update_endpoint(endpoint=endpoint, title="", base_url="http://127.0.0.1:9000/v1")
    delete_endpoint(endpoint=endpoint)
    entries = AuditEntry.objects.order_by("pk")

    assert [entry.action for entry in entries] == [
        "connections.create",
        "connections.set-key",
        "connections.move",
        "connections.forget-key",
        "connections.delete",
    ]
    assert "sk-very-secret" not in str([entry.detail for entry in entries])


def test_a_service_of_opea_is_kept_with_its_kind(owner: User) -> None:
    with FakeOpea() as opea:
        endpoint = create_endpoint(owner=owner, name="guard", base_url=opea.url, kind="opea")
        result = run_saved_test(endpoint=endpoint)

    assert (result.outcome, result.model) == ("ok", "BAAI/bge-base-en-v1.5")
    assert model_server(owner, "guard").kind == "opea"
    assert kinds_of(owner) == {"guard": "opea"}


def test_a_kind_that_does_not_exist_is_refused_by_the_database(owner: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Endpoint.objects.create(owner=owner, name="x", base_url="http://x/", kind="soap")
