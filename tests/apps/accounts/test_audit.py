from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.accounts import services
from apps.accounts.models import AuditEntry, User

ADDRESS = "/accounts/audit/"


def test_audit_lists_the_newest_first(admin: User, admin_client: Client) -> None:
    services.audit(admin, "test.first", "a")
    services.audit(None, "test.second", "b", reason="<i>why</i>")

    content = admin_client.get(reverse("accounts:audit")).content.decode()

    rows = content[content.index("<tbody>") :]
    assert rows.index("test.second") < rows.index("test.first")
    assert "reason: &lt;i&gt;why&lt;/i&gt;" in content


def test_audit_filters(admin: User, owner: User, admin_client: Client) -> None:
    services.audit(admin, "test.a", "project:one")
    services.audit(owner, "test.b", "project:two")
    old = services.audit(owner, "test.b", "project:old")
    AuditEntry.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=9))
    today = timezone.now().date().isoformat()

    def targets(**query: str) -> list[str]:
        rows = admin_client.get(ADDRESS, query).context["rows"]
        return [entry.target for entry in rows]

    assert targets(action="test.a") == ["project:one"]
    assert targets(text="owner") == ["project:two", "project:old"]
    assert targets(text="two") == ["project:two"]
    assert targets(action="test.b", since=today) == ["project:two"]
    assert targets(until="2000-01-01") == []


def test_audit_bad_filter(admin_client: Client) -> None:
    response = admin_client.get(ADDRESS, {"since": "yesterday"})

    assert response.status_code == 422
    assert b"Enter a valid date." in response.content


def test_audit_fragment(admin_client: Client) -> None:
    assert b"<html" not in admin_client.get(ADDRESS, headers={"HX-Request": "true"}).content


def test_audit_same_queries_for_more_rows(
    admin: User, admin_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    services.audit(admin, "a")
    with django_assert_num_queries(6) as first:
        admin_client.get(ADDRESS)
    services.audit(User.objects.create_user("b"), "b")
    services.audit(User.objects.create_user("c"), "c")

    with django_assert_num_queries(len(first)):
        admin_client.get(ADDRESS)


def test_audit_is_paginated(admin: User, admin_client: Client) -> None:
    AuditEntry.objects.bulk_create(AuditEntry(action="a", actor=admin) for _ in range(51))

    assert b"51\xe2\x80\x9351 of 51" in admin_client.get(ADDRESS, {"page": "2"}).content


def test_audit_without_a_person(db: None) -> None:
    assert services.audit(AnonymousUser(), "test").actor is None


def test_audit_is_hidden_from_others(owner_client: Client) -> None:
    assert owner_client.get(ADDRESS).status_code == 404


def test_audit_wrong_method(admin_client: Client) -> None:
    assert admin_client.post(ADDRESS).status_code == 405
