from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

ADDRESS = "/ui/style/"


def test_style_guide_shows_every_part(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(5):
        response = admin_client.get(reverse("ui:style_guide"))

    assert response.status_code == 200
    for part in (b"file-drop", b"local-time", b"<figure", b"<dialog", b"prose", b"badge-success"):
        assert part in response.content


def test_style_guide_fragment(admin_client: Client) -> None:
    response = admin_client.get(ADDRESS, headers={"HX-Request": "true"})

    assert b"<html" not in response.content


def test_style_guide_is_hidden_from_others(owner_client: Client) -> None:
    assert owner_client.get(ADDRESS).status_code == 404


def test_style_guide_bad_input(admin_client: Client) -> None:
    response = admin_client.post(ADDRESS, {"name": ""})

    assert response.status_code == 422
    assert b'aria-invalid="true"' in response.content


def test_style_guide_good_input(admin_client: Client) -> None:
    fields = {"name": "a", "kind": "dense", "temperature": "1", "mode": "fast"}

    assert admin_client.post(ADDRESS, fields).status_code == 302


def test_style_guide_keeps_no_uploads(admin_client: Client) -> None:
    assert admin_client.post(ADDRESS, {"upload": "1"}).json() == {"refused": []}


@pytest.mark.parametrize("method", ["put", "delete"])
def test_style_guide_wrong_method(admin_client: Client, method: str) -> None:
    assert getattr(admin_client, method)(ADDRESS).status_code == 405
