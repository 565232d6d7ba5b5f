from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.connections.models import Endpoint
from apps.connections.services import create_endpoint
from tests.fakes.opea_server import FakeOpea
from tests.fakes.openai_server import FakeOpenAI

HTMX = {"HX-Request": "true"}


@pytest.fixture
def endpoint(owner: User, openai_server: FakeOpenAI) -> Endpoint:
    return create_endpoint(
        owner=owner, name="local", title="Local", base_url=openai_server.url, api_key="sk-secret-1"
    )


# index: connections:index


def test_index_lists_own_connections(owner_client: Client, endpoint: Endpoint) -> None:
    response = owner_client.get(reverse("connections:index"))

    assert [row.pk for row in response.context["endpoints"]] == [endpoint.pk]


def test_index_hides_those_of_others(admin_client: Client, endpoint: Endpoint) -> None:
    assert not admin_client.get(reverse("connections:index")).context["endpoints"]


def test_index_searches(owner_client: Client, endpoint: Endpoint) -> None:
    url = reverse("connections:index")

    assert len(owner_client.get(url, {"q": "loc"}).context["endpoints"]) == 1
    assert len(owner_client.get(url, {"q": "none"}).context["endpoints"]) == 0


def test_index_as_a_fragment(owner_client: Client) -> None:
    response = owner_client.get(reverse("connections:index"), headers=HTMX)

    assert "<html" not in response.content.decode()


def test_index_needs_the_same_queries_for_any_number(
    owner: User, owner_client: Client, django_assert_num_queries
) -> None:
    url = reverse("connections:index")
    counts = []
    for number in range(3):
        create_endpoint(owner=owner, name=f"c-{number}", base_url="http://127.0.0.1/v1")
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as queries:
            owner_client.get(url)
        counts.append(len(queries))

    assert counts[0] == counts[2]
    assert counts[0] < 15


# create: connections:create


def test_create_connects_a_service_of_opea(owner_client: Client) -> None:
    with FakeOpea() as opea:
        values = {"title": "Guard", "base_url": opea.url, "kind": "opea"}
        response = owner_client.post(reverse("connections:create"), values)

    saved = Endpoint.objects.get()
    assert response.url == saved.get_absolute_url()
    assert (saved.kind, saved.test_result["outcome"]) == ("opea", "ok")


def test_create_refuses_a_kind_that_does_not_exist(owner_client: Client) -> None:
    values = {"title": "X", "base_url": "http://127.0.0.1:1", "kind": "soap"}
    response = owner_client.post(reverse("connections:create"), values)

    assert response.status_code == 422
    assert "kind" in response.context["form"].errors


def test_create_tests_and_saves(owner_client: Client, openai_server: FakeOpenAI) -> None:
    values = {"title": "Local vLLM", "base_url": openai_server.url, "api_key": "sk-secret-1"}
    response = owner_client.post(reverse("connections:create"), values)

    saved = Endpoint.objects.get()
    assert response.status_code == 302
    assert response.url == saved.get_absolute_url()
    assert (saved.name, saved.model_names) == ("local-vllm", ["fake-model", "fake-model-large"])


def test_create_refuses_a_server_that_fails_unless_asked_again(owner_client: Client) -> None:
    url, values = reverse("connections:create"), {"title": "X", "base_url": "http://127.0.0.1:9/v1"}
    first = owner_client.post(url, values)
    assert (first.status_code, Endpoint.objects.count()) == (422, 0)
    assert "refuses connections" in first.content.decode()

    second = owner_client.post(url, values | {"anyway": "1"})
    assert (second.status_code, Endpoint.objects.count()) == (302, 1)


def test_create_refuses_a_metadata_address(owner_client: Client) -> None:
    values = {"title": "X", "base_url": "http://169.254.169.254/v1", "anyway": "1"}
    response = owner_client.post(reverse("connections:create"), values, headers=HTMX)

    assert (response.status_code, Endpoint.objects.count()) == (422, 0)
    assert "link-local or metadata" in response.content.decode()


def test_create_never_renders_the_key(owner_client: Client) -> None:
    values = {"title": "", "base_url": "http://127.0.0.1:9/v1", "api_key": "sk-secret-1"}

    assert b"sk-secret-1" not in owner_client.post(reverse("connections:create"), values).content


def test_create_goes_back_where_it_came_from(
    owner_client: Client, openai_server: FakeOpenAI
) -> None:
    values = {"title": "L", "base_url": openai_server.url, "next": "/projects/x/wizard/model/"}

    response = owner_client.post(reverse("connections:create"), values)

    assert response.url == "/projects/x/wizard/model/?choose=l"


def test_create_does_not_go_to_another_site(
    owner_client: Client, openai_server: FakeOpenAI
) -> None:
    values = {"title": "L", "base_url": openai_server.url, "next": "https://evil.example/"}
    response = owner_client.post(reverse("connections:create"), values)

    assert response.url.startswith("/connections/")


def test_create_needs_a_login(client: Client) -> None:
    assert client.get(reverse("connections:create")).status_code == 302


# detail: connections:detail


def test_detail_shows_everything_but_the_key(owner_client: Client, endpoint: Endpoint) -> None:
    page = owner_client.get(endpoint.get_absolute_url())

    assert page.status_code == 200
    assert b"sk-secret-1" not in page.content


def test_detail_saves(owner_client: Client, endpoint: Endpoint) -> None:
    values = {"title": "New", "base_url": endpoint.base_url}
    owner_client.post(endpoint.get_absolute_url(), values)
    endpoint.refresh_from_db()

    assert (endpoint.title, endpoint.secret is not None) == ("New", True)


def test_detail_refuses_bad_values(owner_client: Client, endpoint: Endpoint) -> None:
    values = {"title": "New", "base_url": "http://[fe80::1]/v1"}

    assert owner_client.post(endpoint.get_absolute_url(), values).status_code == 422


@pytest.mark.parametrize("name", ["detail", "test", "delete"])
def test_strangers_find_nothing(
    stranger_client: Client, admin_client: Client, endpoint: Endpoint, name: str
) -> None:
    url = reverse(f"connections:{name}", args=[endpoint.pk])

    assert stranger_client.post(url).status_code == 404
    assert admin_client.post(url).status_code == 404
    assert Endpoint.objects.count() == 1


# test: connections:test


def test_test_of_a_form_shows_latency_and_models(
    owner_client: Client, openai_server: FakeOpenAI
) -> None:
    response = owner_client.post(
        reverse("connections:test"), {"base_url": openai_server.url}, headers=HTMX
    )

    text = response.content.decode()
    assert response.status_code == 200
    assert "fake-model answers" in text
    assert "fake-model-large" in text
    assert Endpoint.objects.count() == 0


def test_test_of_a_bad_form(owner_client: Client) -> None:
    response = owner_client.post(reverse("connections:test"), {"base_url": "nonsense"})

    assert response.status_code == 422


def test_test_of_a_saved_connection(owner_client: Client, endpoint: Endpoint) -> None:
    url = reverse("connections:test", args=[endpoint.pk])
    response = owner_client.post(url, headers=HTMX)
    endpoint.refresh_from_db()

    assert b"fake-model answers" in response.content
    assert endpoint.tested_at
    assert owner_client.get(url).status_code == 405


def test_test_with_an_unreadable_key_says_so(
    owner_client: Client, endpoint: Endpoint, settings
) -> None:
    settings.ENCRYPTION_KEY = "another"
    url = reverse("connections:test", args=[endpoint.pk])

    assert b"cannot be read" in owner_client.post(url, headers=HTMX).content
    assert owner_client.post(url).status_code == 302


# discover: connections:discover


def test_discover_marks_what_is_connected(
    owner_client: Client, endpoint: Endpoint, openai_server: FakeOpenAI, monkeypatch
) -> None:
    from apps.connections import discovery

    monkeypatch.setattr(discovery, "PORTS", {openai_server.port: "vLLM"})
    response = owner_client.post(reverse("connections:discover"), headers=HTMX)

    assert b"Connected" in response.content
    assert b"<html" not in response.content


def test_discover_says_why_it_may_not_look(owner_client: Client, settings) -> None:
    settings.ENDPOINTS_ALLOW_PRIVATE = False
    response = owner_client.post(reverse("connections:discover"))

    assert b"STUDIO_ALLOW_PRIVATE_ENDPOINTS" in response.content


def test_discover_only_answers_post(owner_client: Client) -> None:
    assert owner_client.get(reverse("connections:discover")).status_code == 405


# delete: connections:delete


def test_delete_removes_it(owner_client: Client, endpoint: Endpoint) -> None:
    response = owner_client.post(reverse("connections:delete", args=[endpoint.pk]))

    assert (response.status_code, Endpoint.objects.count()) == (302, 0)
    assert owner_client.get(reverse("connections:detail", args=[uuid4()])).status_code == 404


def test_another_kind_keeps_what_was_typed_and_says_what_it_needs(owner_client: Client) -> None:
    typed = {"kind": "redis", "title": "Team store", "name": "team", "api_key": "sk-not-kept"}
    page = owner_client.get(
        reverse("connections:create"), typed, headers={"HX-Request": "true"}
    ).content.decode()

    assert 'value="Team store"' in page and 'value="team"' in page
    assert 'placeholder="redis://localhost:6379/0"' in page
    assert "Password" in page and "API key" not in page
    assert "sk-not-kept" not in page
