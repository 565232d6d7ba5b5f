from __future__ import annotations

from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import AuditEntry, User

ADDRESS = "/accounts/profile/"


def test_profile_shows_and_saves(
    owner: User, owner_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(5):
        assert owner_client.get(reverse("accounts:profile")).status_code == 200

    response = owner_client.post(
        ADDRESS, {"first_name": "Olga", "last_name": "Wild", "email": "o@example.org"}
    )

    owner.refresh_from_db()
    assert response.status_code == 302
    assert (str(owner), owner.email) == ("Olga Wild", "o@example.org")
    assert AuditEntry.objects.get().action == "accounts.profile"


def test_profile_bad_input_leaves_the_user_alone(owner: User, owner_client: Client) -> None:
    response = owner_client.post(ADDRESS, {"first_name": "Olga", "email": "no address"})

    owner.refresh_from_db()
    assert response.status_code == 422
    assert owner.first_name == ""
    assert b"Account of Olga" not in response.content


def test_profile_cannot_raise_rights(owner: User, owner_client: Client) -> None:
    owner_client.post(ADDRESS, {"email": "o@example.org", "is_superuser": "on", "username": "root"})

    owner.refresh_from_db()
    assert (owner.is_superuser, owner.username) == (False, "owner")


def test_profile_needs_sign_in(client: Client, db: None) -> None:
    assert client.get(ADDRESS)["Location"] == "/accounts/login/?next=/accounts/profile/"


def test_profile_wrong_method(owner_client: Client) -> None:
    assert owner_client.delete(ADDRESS).status_code == 405
