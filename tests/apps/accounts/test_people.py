from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User

ADDRESS = "/accounts/people/"


def test_people_lists_everybody(admin_client: Client, owner: User) -> None:
    content = admin_client.get(reverse("accounts:people")).content

    assert b"owner@example.org" in content
    assert b"admin@example.org" in content


def test_people_same_queries_for_more_rows(
    admin_client: Client, owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(5) as first:
        admin_client.get(ADDRESS)
    User.objects.create_user("one")
    User.objects.create_user("two")

    with django_assert_num_queries(len(first)):
        admin_client.get(ADDRESS)


@pytest.mark.parametrize("query", ["owner", "OWNER", "example.org own", "Olga Wild"])
def test_people_search(admin_client: Client, owner: User, stranger: User, query: str) -> None:
    User.objects.filter(pk=owner.pk).update(first_name="Olga", last_name="Wild")

    content = admin_client.get(ADDRESS, {"q": query}, headers={"HX-Request": "true"}).content

    assert b"owner@example.org" in content
    assert b"stranger@example.org" not in content
    assert b"<html" not in content


def test_people_search_without_a_match_says_so(admin_client: Client) -> None:
    assert b"Nobody found" in admin_client.get(ADDRESS, {"q": "zzz"}).content


def test_people_are_paginated(admin_client: Client) -> None:
    User.objects.bulk_create(User(username=f"u{n:03}") for n in range(60))

    content = admin_client.get(ADDRESS, {"page": "2"}).content

    assert b"51\xe2\x80\x9361 of 61" in content
    assert b"u059" in content


def test_people_is_hidden_from_others(owner_client: Client) -> None:
    assert owner_client.get(ADDRESS).status_code == 404


def test_people_wrong_method(admin_client: Client) -> None:
    assert admin_client.post(ADDRESS).status_code == 405
