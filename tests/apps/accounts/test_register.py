from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User

NEW = {
    "username": "guest",
    "password": "nine-lives-of-a-cat",
    "password_again": "nine-lives-of-a-cat",
}
ADDRESS = "/accounts/register/"


@pytest.fixture
def opened(settings: Any, db: None) -> None:
    settings.ACCOUNTS_REGISTRATION = True


def test_register_is_closed_by_default(client: Client, db: None) -> None:
    assert client.get(reverse("accounts:register")).status_code == 404
    assert client.post(ADDRESS, NEW).status_code == 404


def test_register_creates_an_ordinary_user(client: Client, opened: None) -> None:
    assert client.get(ADDRESS).status_code == 200

    assert client.post(ADDRESS, NEW).status_code == 302

    user = User.objects.get()
    assert (user.is_superuser, user.is_staff) == (False, False)


def test_register_cannot_make_itself_administrator(client: Client, opened: None) -> None:
    client.post(ADDRESS, {**NEW, "is_superuser": "on", "administrator": "on"})

    assert not User.objects.get().is_superuser


def test_register_taken_name(client: Client, opened: None, owner: User) -> None:
    response = client.post(ADDRESS, {**NEW, "username": "Owner"})

    assert response.status_code == 422
    assert b"The user name Owner is taken." in response.content


def test_register_wrong_method(client: Client, opened: None) -> None:
    assert client.put(ADDRESS).status_code == 405
