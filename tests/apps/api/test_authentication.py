from __future__ import annotations

from django.test import Client
from django.utils import timezone

from apps.accounts.models import ApiToken, User
from apps.accounts.services import create_token, revoke_token
from tests.apps.api.conftest import Api


def test_token_names_its_owner(api: Api, owner: User) -> None:
    answer = api.get("/me")

    assert answer.status_code == 200
    assert answer.json() == {
        "id": owner.pk,
        "username": "owner",
        "email": "owner@example.org",
        "first_name": "",
        "last_name": "",
        "is_administrator": False,
    }


def test_session_names_its_owner(owner_client: Client) -> None:
    assert owner_client.get("/api/v1/me").json()["username"] == "owner"


def test_nobody_is_asked_who_they_are(db: None, anonymous_api: Api) -> None:
    answer = anonymous_api.get("/me")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "api.not-authenticated"


def test_wrong_token_is_refused(db: None) -> None:
    answer = Api("pat_wrong").get("/me")

    assert (answer.status_code, answer.json()["code"]) == (401, "api.token-refused")


def test_revoked_token_is_refused(owner: User) -> None:
    token, value = create_token(owner, "old")
    revoke_token(token=token, by=owner)

    assert Api(value).get("/me").status_code == 401


def test_expired_token_is_refused(owner: User) -> None:
    _, value = create_token(owner, "old", expires_at=timezone.now() - timezone.timedelta(minutes=1))

    assert Api(value).get("/me").status_code == 401
    assert ApiToken.objects.get().last_used_at is None


def test_token_of_a_disabled_person_is_refused(owner: User, api: Api) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)

    assert api.get("/me").status_code == 401


def test_session_writes_need_the_csrf_token(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)

    answer = client.post(
        "/api/v1/projects", {"application": "qna"}, content_type="application/json"
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "api.forbidden")
