from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts import links
from apps.accounts.models import User
from tests.conftest import PASSWORD

NEW = {"password": "nine-lives-of-a-cat", "password_again": "nine-lives-of-a-cat"}


@pytest.fixture
def link(owner: User) -> str:
    return links.set_password_path(owner)


def test_set_password_sets_and_signs_in(client: Client, owner: User, link: str) -> None:
    assert client.get(link).status_code == 200

    assert client.post(link, NEW).status_code == 302

    owner.refresh_from_db()
    assert owner.check_password(NEW["password"])
    assert client.session["_auth_user_id"] == str(owner.pk)


def test_set_password_link_works_once(client: Client, link: str) -> None:
    client.post(link, NEW)

    assert client.get(link).status_code == 404
    assert client.post(link, NEW).status_code == 404


def test_set_password_ends_other_sessions(
    client: Client, owner_client: Client, owner: User
) -> None:
    client.post(links.set_password_path(User.objects.get(pk=owner.pk)), NEW)

    assert owner_client.get("/accounts/profile/").status_code == 302


def test_signing_in_makes_the_link_stale(client: Client, link: str) -> None:
    client.post("/accounts/login/", {"username": "owner", "password": PASSWORD})

    assert client.get(link).status_code == 404


def test_set_password_of_the_disabled(client: Client, owner: User, link: str) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)

    assert client.get(link).status_code == 404


def test_one_persons_link_is_no_use_for_another(client: Client, stranger: User, link: str) -> None:
    token = link.rstrip("/").rpartition("/")[2]
    stolen = f"{stranger.pk}-{token.partition('-')[2]}"

    assert client.get(reverse("accounts:set_password", args=[stolen])).status_code == 404


@pytest.mark.parametrize("token", ["x", "-", "zzzzzzzzzzzzzzzz-1", "1-1-1", "é-a"])
def test_set_password_forged_link(client: Client, db: None, token: str) -> None:
    assert client.get(reverse("accounts:set_password", args=[token])).status_code == 404


def test_set_password_bad_input(client: Client, link: str) -> None:
    response = client.post(
        link, {**NEW, "password": "owner@example.org", "password_again": "owner@example.org"}
    )

    assert response.status_code == 422
    assert b"too similar" in response.content


def test_set_password_wrong_method(client: Client, link: str) -> None:
    assert client.put(link).status_code == 405
