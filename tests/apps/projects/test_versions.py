"""Versions: build, list, compare, look, name, take back."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.projects.models import Draft, Project, SpecVersion
from apps.projects.queries import spec_of
from apps.projects.version_services import build_version
from tests.apps.projects.conftest import change

HTMX = {"HX-Request": "true"}


@pytest.fixture
def two(owner: User, ready: Project) -> Project:
    """Two versions that differ in the port."""
    build_version(project=ready, by=owner, name="first")
    change(ready, owner, deployment__port=9000)
    build_version(project=ready, by=owner)
    return ready


# build: projects:build


def test_build_goes_to_the_sandbox(owner_client: Client, ready: Project) -> None:
    response = owner_client.post(reverse("projects:build", args=[ready.pk]), {"name": "first"})

    assert SpecVersion.objects.get().name == "first"
    assert response.url == reverse("sandboxes:sandbox", args=[ready.pk])


def test_build_of_something_incomplete_goes_back(owner_client: Client, project: Project) -> None:
    response = owner_client.post(reverse("projects:build", args=[project.pk]), follow=True)

    assert SpecVersion.objects.count() == 0
    assert "needs at least one collection" in response.content.decode()


def test_build_by_htmx_redirects_the_page(owner_client: Client, ready: Project) -> None:
    response = owner_client.post(reverse("projects:build", args=[ready.pk]), headers=HTMX)

    assert response["HX-Redirect"]


def test_build_of_a_stranger(stranger_client: Client, owner_client: Client, ready: Project) -> None:
    url = reverse("projects:build", args=[ready.pk])

    assert stranger_client.post(url).status_code == 404
    assert owner_client.get(url).status_code == 405


# versions: projects:versions


def test_versions_are_listed_newest_first(owner_client: Client, two: Project) -> None:
    response = owner_client.get(reverse("projects:versions", args=[two.pk]))

    assert [row.number for row in response.context["versions"]] == [2, 1]


@pytest.mark.parametrize("query", [{"old": "1", "new": "2"}, {"old": "2", "new": "1"}])
def test_versions_are_compared_in_words(
    owner_client: Client, two: Project, query: dict[str, str]
) -> None:
    response = owner_client.get(reverse("projects:versions", args=[two.pk]), query)

    assert response.context["changes"] == ["Port changed from 8080 to 9000."]


@pytest.mark.parametrize(
    "query", [{"old": "1", "new": "1"}, {"old": "x"}, {"old": "1", "new": "9"}]
)
def test_versions_that_cannot_be_compared(
    owner_client: Client, two: Project, query: dict[str, str]
) -> None:
    response = owner_client.get(reverse("projects:versions", args=[two.pk]), query)

    assert response.status_code == 200
    assert "changes" not in response.context


def test_versions_need_the_same_queries_for_any_number(
    owner: User, owner_client: Client, ready: Project
) -> None:
    counts = []
    for port in (9001, 9002, 9003):
        change(ready, owner, deployment__port=port)
        build_version(project=ready, by=owner)
        with CaptureQueriesContext(connection) as queries:
            owner_client.get(reverse("projects:versions", args=[ready.pk]))
        counts.append(len(queries))

    assert counts[0] == counts[2]
    assert counts[0] < 15


def test_versions_without_any(owner_client: Client, project: Project) -> None:
    response = owner_client.get(reverse("projects:versions", args=[project.pk]), headers=HTMX)

    text = response.content.decode()
    assert "Nothing is built yet" in text
    assert "<html" not in text


def test_versions_of_a_stranger(stranger_client: Client, two: Project) -> None:
    assert stranger_client.get(reverse("projects:versions", args=[two.pk])).status_code == 404


# version: projects:version


def test_version_shows_what_it_froze(owner_client: Client, two: Project) -> None:
    response = owner_client.get(reverse("projects:version", args=[two.pk, 2]))

    text = response.content.decode()
    assert response.context["changes"] == ["Port changed from 8080 to 9000."]
    assert SpecVersion.objects.get(number=2).sha256 in text


def test_version_can_be_named(owner_client: Client, two: Project) -> None:
    url = reverse("projects:version", args=[two.pk, 2])
    frozen = SpecVersion.objects.get(number=2).sha256
    owner_client.post(url, {"name": "Second", "notes": "N"})
    row = SpecVersion.objects.get(number=2)

    assert (row.name, row.notes, row.sha256) == ("Second", "N", frozen)
    assert owner_client.post(url, {"name": "x" * 81}).status_code == 422


def test_version_can_be_downloaded(owner_client: Client, two: Project) -> None:
    response = owner_client.get(reverse("projects:version", args=[two.pk, 1]), {"download": ""})

    assert response["Content-Disposition"] == 'attachment; filename="hr-helpdesk-v1.yaml"'
    assert b"port: 8080" in response.content


def test_version_that_does_not_exist(
    owner_client: Client, stranger_client: Client, two: Project
) -> None:
    assert owner_client.get(reverse("projects:version", args=[two.pk, 9])).status_code == 404
    assert stranger_client.get(reverse("projects:version", args=[two.pk, 1])).status_code == 404
    assert owner_client.put(reverse("projects:version", args=[two.pk, 1])).status_code == 405


def test_version_as_a_fragment(owner_client: Client, two: Project) -> None:
    response = owner_client.get(reverse("projects:version", args=[two.pk, 1]), headers=HTMX)

    assert b"<html" not in response.content


# revert: projects:revert


def test_revert_makes_it_the_draft(owner_client: Client, two: Project) -> None:
    response = owner_client.post(reverse("projects:revert", args=[two.pk, 1]))

    assert response.status_code == 302
    assert spec_of(Draft.objects.get()).spec.deployment.port == 8080


def test_revert_of_a_stranger(stranger_client: Client, owner_client: Client, two: Project) -> None:
    url = reverse("projects:revert", args=[two.pk, 1])

    assert stranger_client.post(url).status_code == 404
    assert owner_client.get(url).status_code == 405
