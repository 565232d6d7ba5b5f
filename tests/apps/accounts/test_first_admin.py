from __future__ import annotations

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from apps.accounts import links, services
from apps.accounts.errors import SetupClosed
from apps.accounts.models import User

NEW = {
    "username": "Maria",
    "first_name": "Maria",
    "last_name": "Keller",
    "email": "maria@example.org",
    "password": "nine-lives-of-a-cat",
    "password_again": "nine-lives-of-a-cat",
}


@pytest.fixture
def link(db: None) -> str:
    path = services.first_admin_url()
    assert path
    return path


def test_first_admin_creates_and_signs_in(client: Client, link: str) -> None:
    assert client.get(link).status_code == 200

    response = client.post(link, NEW)

    user = User.objects.get()
    assert response.status_code == 302
    assert (user.is_superuser, user.check_password(NEW["password"])) == (True, True)
    assert client.session["_auth_user_id"] == str(user.pk)


def test_first_admin_link_works_once(client: Client, link: str) -> None:
    client.post(link, NEW)

    assert client.get(link).status_code == 404
    assert client.post(link, {**NEW, "username": "other"}).status_code == 404
    assert services.first_admin_url() is None


def test_service_refuses_a_second_one(admin: User) -> None:
    with pytest.raises(SetupClosed):
        services.create_first_admin(username="second", password=NEW["password"])


def test_first_admin_takes_the_place_of_the_waiting_one(client: Client, link: str) -> None:
    waiting = User(username="maria", is_superuser=True, is_staff=True)
    waiting.set_unusable_password()
    waiting.save()

    assert client.post(link, NEW).status_code == 302

    user = User.objects.get()
    assert (user.pk, user.username, user.has_usable_password()) == (waiting.pk, "Maria", True)


def test_people_who_are_no_administrators_leave_it_open(
    client: Client, owner: User, link: str
) -> None:
    assert client.get(link).status_code == 200


@pytest.mark.parametrize(
    "token",
    ["nonsense", signing.dumps("first", salt="other"), signing.dumps("first")],
    ids=[
        "nonsense",
        "other salt",
        "no salt",
    ],  # the values hold the time: workers must agree on ids
)
def test_first_admin_forged_link(client: Client, db: None, token: str) -> None:
    assert client.get(reverse("accounts:first_admin", args=[token])).status_code == 404


def test_first_admin_link_ages(link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token = link.rstrip("/").rpartition("/")[2]

    monkeypatch.setattr(links, "FIRST_ADMIN_MAX_AGE_S", -1)

    assert not links.is_first_admin_token(token)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"password_again": "something else"}, b"The two passwords differ."),
        ({"password": "password", "password_again": "password"}, b"too common"),
        ({"password": "short1", "password_again": "short1"}, b"too short"),
        ({"username": ""}, b"This field is required."),
        ({"username": "a b"}, b"Enter a valid username"),
    ],
)
def test_first_admin_bad_input(
    client: Client, link: str, change: dict[str, str], sentence: bytes
) -> None:
    response = client.post(link, {**NEW, **change})

    assert response.status_code == 422
    assert sentence in response.content
    assert not User.objects.exists()


def test_first_admin_wrong_method(client: Client, link: str) -> None:
    assert client.put(link).status_code == 405
