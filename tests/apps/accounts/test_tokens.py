from __future__ import annotations

import re
from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.accounts import services
from apps.accounts.models import ApiToken, AuditEntry, User

ADDRESS = "/accounts/profile/tokens/"
HTMX = {"HX-Request": "true"}


def test_tokens_value_is_shown_once_and_works(owner: User, owner_client: Client) -> None:
    response = owner_client.post(reverse("accounts:tokens"), {"name": "ci", "days": "30"})

    found = re.search(r'value="(pat_[\w-]+)"', response.content.decode())
    assert found
    assert services.user_for_token(found[1]) == owner
    assert found[1] not in owner_client.get(ADDRESS).content.decode()
    token = ApiToken.objects.get()
    assert token.expires_at
    assert abs(token.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    assert found[1] not in str(AuditEntry.objects.values())


def test_tokens_fragment(owner_client: Client) -> None:
    response = owner_client.post(ADDRESS, {"name": "ci", "days": "0"}, headers=HTMX)

    assert b"<html" not in response.content
    assert b'id="tokens"' in response.content
    assert ApiToken.objects.get().expires_at is None


def test_tokens_bad_input(owner_client: Client) -> None:
    assert owner_client.post(ADDRESS, {"name": "", "days": "30"}).status_code == 422
    assert owner_client.post(ADDRESS, {"name": "a", "days": "7"}).status_code == 422
    assert not ApiToken.objects.exists()


def test_tokens_lists_only_own(owner: User, stranger: User, owner_client: Client) -> None:
    services.create_token(stranger, "theirs")

    assert b"theirs" not in owner_client.get(ADDRESS).content


def test_tokens_same_queries_for_more_rows(
    owner: User, owner_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    services.create_token(owner, "1")
    with django_assert_num_queries(4) as first:
        owner_client.get(ADDRESS)
    services.create_token(owner, "2")
    services.create_token(owner, "3")

    with django_assert_num_queries(len(first)):
        owner_client.get(ADDRESS)


def test_tokens_wrong_method(owner_client: Client) -> None:
    assert owner_client.put(ADDRESS).status_code == 405


def test_user_for_token_asks_once(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    _, value = services.create_token(owner, "ci")
    with django_assert_num_queries(2):
        services.user_for_token(value)

    with django_assert_num_queries(1):
        assert services.user_for_token(value) == owner


def test_user_for_token_notes_the_last_use(owner: User) -> None:
    token, value = services.create_token(owner, "ci")

    services.user_for_token(value)

    token.refresh_from_db()
    assert token.last_used_at is not None


def test_user_for_token_refuses(owner: User) -> None:
    _, expired = services.create_token(owner, "a", timezone.now() - timedelta(seconds=1))
    revoked_row, revoked = services.create_token(owner, "b")
    services.revoke_token(token=revoked_row, by=owner)
    _, good = services.create_token(owner, "c")

    assert services.user_for_token(expired) is None
    assert services.user_for_token(revoked) is None
    assert services.user_for_token("") is None
    assert services.user_for_token(good + "x") is None
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert services.user_for_token(good) is None
