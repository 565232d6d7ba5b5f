from __future__ import annotations

from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEntry


def test_logout_ends_the_session(owner_client: Client) -> None:
    response = owner_client.post(reverse("accounts:logout"))

    assert (response.status_code, response["Location"]) == (302, "/accounts/login/")
    assert "_auth_user_id" not in owner_client.session
    assert AuditEntry.objects.get().action == "accounts.logout"


def test_logout_by_link_does_nothing(owner_client: Client) -> None:
    assert owner_client.get(reverse("accounts:logout")).status_code == 405
    assert "_auth_user_id" in owner_client.session
