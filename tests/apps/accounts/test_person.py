"""One person's page and what an administrator does there:
accounts:person, accounts:reset_link, accounts:disable_person, accounts:enable_person,
accounts:make_administrator, accounts:remove_administrator.
"""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts import services
from apps.accounts.errors import LastAdministrator
from apps.accounts.models import AuditEntry, User

ACTIONS = [
    "reset_link",
    "disable_person",
    "enable_person",
    "make_administrator",
    "remove_administrator",
]


def address(action: str, person: User) -> str:
    return reverse(f"accounts:{action}", args=[person.pk])


def test_person_shows_the_account(admin_client: Client, owner: User) -> None:
    assert b"owner@example.org" in admin_client.get(address("person", owner)).content


def test_reset_link_sets_a_new_password(admin_client: Client, client: Client, owner: User) -> None:
    content = admin_client.post(address("reset_link", owner)).content.decode()

    link = re.search(r'value="http://testserver(/accounts/set-password/[^"]+)"', content)
    assert link
    assert client.get(link[1]).status_code == 200


def test_reset_link_of_the_disabled(admin_client: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)

    assert admin_client.post(address("reset_link", owner)).status_code == 404


def test_disable_person_ends_sessions_and_tokens(
    admin_client: Client, owner: User, owner_client: Client
) -> None:
    _, value = services.create_token(owner, "ci")

    assert admin_client.post(address("disable_person", owner)).status_code == 302

    assert owner_client.get("/accounts/profile/").status_code == 302
    assert services.user_for_token(value) is None


def test_enable_person_lets_them_back(admin: User, admin_client: Client, owner: User) -> None:
    services.disable(user=owner, by=admin)

    admin_client.post(address("enable_person", owner))

    owner.refresh_from_db()
    assert owner.is_active


def test_rights_come_and_go(admin_client: Client, owner: User) -> None:
    admin_client.post(address("make_administrator", owner))
    owner.refresh_from_db()
    assert (owner.is_superuser, owner.is_staff) == (True, True)

    admin_client.post(address("remove_administrator", owner))

    owner.refresh_from_db()
    assert (owner.is_superuser, owner.is_staff) == (False, False)


@pytest.mark.parametrize("action", ["disable_person", "remove_administrator"])
def test_the_last_administrator_stays(admin_client: Client, admin: User, action: str) -> None:
    response = admin_client.post(address(action, admin))

    admin.refresh_from_db()
    assert response.status_code == 409
    assert b"admin is the last administrator who can sign in." in response.content
    assert (admin.is_active, admin.is_superuser) == (True, True)


def test_administrators_who_cannot_sign_in_do_not_count(admin: User) -> None:
    services.create_person(by=admin, username="invited", administrator=True)
    disabled = User.objects.create_superuser("disabled", password="x")
    services.disable(user=disabled, by=admin)

    with pytest.raises(LastAdministrator):
        services.remove_administrator(user=admin, by=admin)


def test_own_rights_can_be_given_up(admin: User, admin_client: Client) -> None:
    User.objects.create_superuser("second", password="x")

    response = admin_client.post(address("remove_administrator", admin))

    assert response["Location"] == "/accounts/profile/"


def test_every_change_is_in_the_audit_log(admin: User, admin_client: Client, owner: User) -> None:
    for action in ("disable_person", "disable_person", "enable_person"):
        admin_client.post(address(action, owner))

    entries = AuditEntry.objects.order_by("pk").values_list("action", "target", "actor")
    assert list(entries) == [
        ("accounts.disable", "user:owner", admin.pk),
        ("accounts.enable", "user:owner", admin.pk),
    ]


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_are_hidden_from_others(owner_client: Client, stranger: User, action: str) -> None:
    assert owner_client.post(address(action, stranger)).status_code == 404


def test_person_is_hidden_from_others(owner_client: Client, stranger: User) -> None:
    assert owner_client.get(address("person", stranger)).status_code == 404


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_wrong_method(admin_client: Client, owner: User, action: str) -> None:
    assert admin_client.get(address(action, owner)).status_code == 405


@pytest.mark.parametrize("action", ACTIONS)
def test_actions_of_nobody(admin_client: Client, action: str) -> None:
    assert admin_client.post(reverse(f"accounts:{action}", args=[999])).status_code == 404
