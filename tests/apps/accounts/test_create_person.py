from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts import services
from apps.accounts.errors import UsernameTaken
from apps.accounts.models import User

ADDRESS = "/accounts/people/new/"


def test_create_person_gives_a_link_once(admin_client: Client, client: Client) -> None:
    response = admin_client.post(reverse("accounts:create_person"), {"username": "jonas"})

    person = User.objects.get(username="jonas")
    link = re.search(
        r'value="(http://testserver/accounts/set-password/[^"]+)"', response.content.decode()
    )
    assert link
    assert (person.has_usable_password(), person.is_superuser) == (False, False)
    assert client.get(link[1]).status_code == 200
    assert b"set-password" not in admin_client.get(f"/accounts/people/{person.pk}/").content


def test_create_person_as_administrator(admin_client: Client) -> None:
    admin_client.post(ADDRESS, {"username": "jonas", "administrator": "on"})

    assert User.objects.get(username="jonas").is_superuser


def test_create_person_taken_name(admin_client: Client, owner: User) -> None:
    response = admin_client.post(ADDRESS, {"username": "Owner"})

    assert response.status_code == 422
    assert b"The user name Owner is taken." in response.content


def test_the_database_settles_a_race_for_a_name(admin: User, owner: User) -> None:
    with pytest.raises(UsernameTaken):
        services.create_person(by=admin, username="OWNER")

    assert User.objects.count() == 2


def test_create_person_is_hidden_from_others(owner_client: Client) -> None:
    assert owner_client.post(ADDRESS, {"username": "x"}).status_code == 404
    assert owner_client.get(ADDRESS).status_code == 404


def test_create_person_wrong_method(admin_client: Client) -> None:
    assert admin_client.put(ADDRESS).status_code == 405
