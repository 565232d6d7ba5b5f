from __future__ import annotations

from django.test import Client
from django.urls import reverse

from apps.accounts import services
from apps.accounts.models import User


def test_revoke_token_ends_it(owner: User, owner_client: Client) -> None:
    token, value = services.create_token(owner, "ci")

    response = owner_client.post(reverse("accounts:revoke_token", args=[token.pk]))

    assert response.status_code == 302
    assert services.user_for_token(value) is None


def test_revoke_token_of_others(owner: User, stranger_client: Client, admin_client: Client) -> None:
    token, value = services.create_token(owner, "ci")
    address = reverse("accounts:revoke_token", args=[token.pk])

    assert stranger_client.post(address).status_code == 404
    assert admin_client.post(address).status_code == 404
    assert services.user_for_token(value) == owner


def test_revoke_token_wrong_method(owner: User, owner_client: Client) -> None:
    token, _ = services.create_token(owner, "ci")

    assert owner_client.get(reverse("accounts:revoke_token", args=[token.pk])).status_code == 405
