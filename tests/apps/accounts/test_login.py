from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.accounts import throttle
from apps.accounts.models import AuditEntry, User
from tests.conftest import PASSWORD

ADDRESS = "/accounts/login/"


def sign_in(client: Client, name: str, password: str = PASSWORD, **more: str) -> object:
    return client.post(ADDRESS, {"username": name, "password": password, **more})


def test_login_signs_in_and_leads_on(client: Client, owner: User) -> None:
    response = client.post(reverse("accounts:login"), {"username": "owner", "password": PASSWORD})

    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(owner.pk)
    assert AuditEntry.objects.get().action == "accounts.login"


def test_login_ignores_the_case_of_the_name(client: Client, owner: User) -> None:
    assert sign_in(client, "OWNER").status_code == 302  # type: ignore[attr-defined]


def test_login_leads_to_the_page_that_asked(client: Client, owner: User) -> None:
    response = sign_in(client, "owner", next="/jobs/?page=2")

    assert response["Location"] == "/jobs/?page=2"  # type: ignore[index]


@pytest.mark.parametrize(
    "next_url", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_login_never_leads_away(client: Client, owner: User, next_url: str) -> None:
    response = sign_in(client, "owner", next=next_url)

    assert response["Location"] == "/"  # type: ignore[index]


def test_login_wrong_password(client: Client, owner: User) -> None:
    response = client.post(ADDRESS, {"username": "owner", "password": "wrong"})

    assert response.status_code == 422
    assert b"User name or password is wrong." in response.content
    assert b'wrong"' not in response.content
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.actor) == (
        "accounts.login-failed",
        "user:owner",
        None,
    )


def test_login_says_the_same_of_unknown_names(client: Client, db: None) -> None:
    response = client.post(ADDRESS, {"username": "nobody", "password": "wrong"})

    assert b"User name or password is wrong." in response.content


def test_login_of_disabled_people_fails(client: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)

    assert sign_in(client, "owner").status_code == 422  # type: ignore[attr-defined]


def test_login_slows_guessing_down(client: Client, owner: User) -> None:
    for _ in range(throttle.NAME_LIMIT):
        client.post(ADDRESS, {"username": "owner", "password": "wrong"})

    response = client.post(ADDRESS, {"username": "owner", "password": PASSWORD})

    assert response.status_code == 429
    assert b"Too many failed attempts. Try again in 15 minutes" in response.content
    assert 890 <= int(response["Retry-After"]) <= 900


def test_login_elsewhere_is_not_slowed_down(client: Client, owner: User) -> None:
    for _ in range(throttle.NAME_LIMIT):
        client.post(ADDRESS, {"username": "owner", "password": "wrong"})

    response = client.post(
        ADDRESS, {"username": "owner", "password": PASSWORD}, REMOTE_ADDR="192.0.2.7"
    )

    assert response.status_code == 302


def test_success_clears_the_count(client: Client, owner: User) -> None:
    for _ in range(throttle.NAME_LIMIT - 1):
        throttle.record_failure("owner", "127.0.0.1")
    sign_in(client, "owner")

    throttle.record_failure("owner", "127.0.0.1")

    assert throttle.wait_s("owner", "127.0.0.1") == 0


def test_one_address_with_many_names_is_slowed_down(db: None) -> None:
    for number in range(throttle.ADDRESS_LIMIT):
        throttle.record_failure(f"name{number}", "192.0.2.9")

    assert throttle.wait_s("somebody", "192.0.2.9") > 0
    cache.clear()
    assert throttle.wait_s("somebody", "192.0.2.9") == 0


def test_login_page_tells_when_nobody_can_sign_in_yet(client: Client, db: None) -> None:
    assert b"There is no administrator yet" in client.get(ADDRESS).content


def test_login_page_is_never_cached(client: Client, admin: User) -> None:
    response = client.get(ADDRESS)

    assert "no-store" in response["Cache-Control"]
    assert b"There is no administrator yet" not in response.content


def test_login_of_the_signed_in_leads_on(owner_client: Client) -> None:
    assert owner_client.get(ADDRESS).status_code == 302


def test_login_wrong_method(client: Client, db: None) -> None:
    assert client.put(ADDRESS).status_code == 405
