from __future__ import annotations

from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from tests.conftest import PASSWORD

ADDRESS = "/accounts/profile/password/"
NEW = {
    "current": PASSWORD,
    "password": "nine-lives-of-a-cat",
    "password_again": "nine-lives-of-a-cat",
}


def test_password_changes_and_keeps_this_session(owner: User, owner_client: Client) -> None:
    other = Client()
    other.force_login(owner)

    assert owner_client.post(reverse("accounts:password"), NEW).status_code == 302

    assert owner_client.get(ADDRESS).status_code == 200
    assert other.get(ADDRESS).status_code == 302


def test_password_needs_the_current_one(owner: User, owner_client: Client) -> None:
    response = owner_client.post(ADDRESS, {**NEW, "current": "wrong"})

    owner.refresh_from_db()
    assert response.status_code == 422
    assert b"This is not your current password." in response.content
    assert owner.check_password(PASSWORD)


def test_password_wrong_method(owner_client: Client) -> None:
    assert owner_client.put(ADDRESS).status_code == 405
