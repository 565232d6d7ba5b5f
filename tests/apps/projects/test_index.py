"""The list of projects, a new one, the sample, deletion and its undoing, the overview."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.catalog.domain.catalog import applications
from apps.knowledge.models import Collection, Document
from apps.projects.enums import Role
from apps.projects.models import Project
from apps.projects.queries import spec_of
from apps.projects.services import create_project, delete_project
from apps.projects.sharing import share_project
from apps.projects.version_services import build_version
from tests.apps.projects.conftest import change

HTMX = {"HX-Request": "true"}
INDEX = "projects:index"


def test_index_without_projects_says_what_to_do(owner_client: Client) -> None:
    text = owner_client.get(reverse(INDEX)).content.decode()

    assert "No projects yet" in text
    assert reverse("projects:gallery") in text


def test_index_lists_searches_and_sorts(owner: User, owner_client: Client) -> None:
    for title in ("Beta", "Alpha", "Gamma"):
        create_project(owner=owner, application="qna", title=title)

    def titles(**query: str) -> list[str]:
        return [row.title for row in owner_client.get(reverse(INDEX), query).context["projects"]]

    assert titles() == ["Gamma", "Alpha", "Beta"]
    assert titles(order="title") == ["Alpha", "Beta", "Gamma"]
    assert titles(q="alp") == ["Alpha"]
    assert titles(q="alp\0") == ["Alpha"]
    assert titles(order="; drop table") == ["Gamma", "Alpha", "Beta"]


def test_index_is_narrowed_by_application_tag_and_owner(
    owner: User, teammate: User, owner_client: Client
) -> None:
    mine = create_project(owner=owner, application="qna", title="Mine")
    theirs = create_project(owner=teammate, application="qna", title="Theirs")
    create_project(owner=teammate, application="qna", title="Unseen")
    share_project(project=theirs, who="owner", role=Role.VIEWER, by=teammate)
    change(mine, owner, **{"metadata__tags": ["hr", "pilot"]})

    def titles(**query: str) -> list[str]:
        response = owner_client.get(reverse(INDEX), query)
        return sorted(row.title for row in response.context["projects"])

    assert titles() == ["Mine", "Theirs"]
    assert titles(whose="mine") == ["Mine"]
    assert titles(whose="shared") == ["Theirs"]
    assert titles(tag="pilot") == ["Mine"]
    assert titles(tag="pil") == []
    assert titles(q="pil") == ["Mine"]
    assert titles(application="summarizer") == []
    assert owner_client.get(reverse(INDEX)).context["tags"] == ["hr", "pilot"]


def test_index_pages(owner: User, owner_client: Client) -> None:
    for number in range(51):
        create_project(owner=owner, application="qna", title=f"P{number}")

    assert len(owner_client.get(reverse(INDEX)).context["projects"]) == 50
    assert len(owner_client.get(reverse(INDEX), {"page": 2}).context["projects"]) == 1


def test_index_hides_projects_of_others(stranger_client: Client, project: Project) -> None:
    assert not stranger_client.get(reverse(INDEX)).context["projects"]


def test_index_as_a_fragment(owner_client: Client, project: Project) -> None:
    assert b"<html" not in owner_client.get(reverse(INDEX), headers=HTMX).content


def test_index_needs_the_same_queries_for_any_number(owner: User, owner_client: Client) -> None:
    counts = []
    for number in range(3):
        create_project(owner=owner, application="qna", title=f"P{number}")
        with CaptureQueriesContext(connection) as queries:
            owner_client.get(reverse(INDEX))
        counts.append(len(queries))

    assert counts[0] == counts[2]
    assert counts[0] < 15


def test_index_needs_a_login(client: Client) -> None:
    assert client.get(reverse(INDEX)).status_code == 302


# create


def test_create_goes_on_to_the_model(owner_client: Client) -> None:
    response = owner_client.post(
        reverse("projects:create"), {"title": "HR helpdesk", "application": "qna"}
    )
    project = Project.objects.get()

    assert response.url == reverse("projects:wizard", args=[project.pk, "model"])
    assert spec_of(project.draft).spec.knowledge.collections == ()


@pytest.mark.parametrize(
    "values",
    [
        {"title": "", "application": "qna"},
        {"title": "X", "application": "unknown"},
        {"title": "X" * 121, "application": "qna"},
        {},
    ],
)
def test_create_refuses(owner_client: Client, values: dict[str, str]) -> None:
    assert owner_client.post(reverse("projects:create"), values).status_code == 422
    assert Project.objects.count() == 0


def test_create_shows_what_comes_later_and_does_not_offer_it(owner_client: Client) -> None:
    text = owner_client.get(reverse("projects:create")).content.decode()

    later = [row for row in applications() if not row.available]
    assert text.count("Not in this release") == len(later)
    assert text.count('name="application"') == len(applications()) - len(later)
    assert "OPEA ChatQnA" in text


# sample


def test_sample_is_ready_to_build_and_ask(
    owner: User, owner_client: Client, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = owner_client.post(reverse("projects:sample"))
    project = Project.objects.get()

    assert response.url == project.get_absolute_url()
    assert Document.objects.filter(status="ready").count() == 6
    version = build_version(project=project, by=owner)
    assert version.number == 1


def test_sample_twice_makes_two(owner_client: Client) -> None:
    owner_client.post(reverse("projects:sample"))
    owner_client.post(reverse("projects:sample"))

    assert sorted(Project.objects.values_list("name", flat=True)) == [
        "company-handbook",
        "company-handbook-2",
    ]
    assert Collection.objects.count() == 2
    assert owner_client.get(reverse("projects:sample")).status_code == 405


# overview


def test_overview_says_what_comes_next(owner_client: Client, project: Project) -> None:
    response = owner_client.get(reverse("projects:overview", args=[project.pk]))
    stages = response.context["progress"].stages

    assert [stage.title for stage in stages] == ["Describe", "Try", "Prove", "Ship"]
    assert [stage.state for stage in stages] == ["problem", "later", "later", "later"]


def test_overview_after_a_build(owner: User, owner_client: Client, ready: Project) -> None:
    build_version(project=ready, by=owner)
    with CaptureQueriesContext(connection) as queries:
        response = owner_client.get(ready.get_absolute_url())
    progress = response.context["progress"]

    assert [stage.state for stage in progress.stages] == ["done", "next", "next", "next"]
    assert [stage.first for stage in progress.stages] == [False, True, False, False]
    assert [one.text for one in progress.happenings] == [
        "Version v1 built",
        "owner: Collection “handbook” added.",
        "owner created the project",
    ]
    assert len(queries) < 15


def test_overview_as_a_fragment(owner_client: Client, project: Project) -> None:
    assert b"<html" not in owner_client.get(project.get_absolute_url(), headers=HTMX).content


def test_overview_of_a_stranger(stranger_client: Client, project: Project) -> None:
    assert stranger_client.get(project.get_absolute_url()).status_code == 404
    assert stranger_client.post(project.get_absolute_url()).status_code in (404, 405)


# delete and restore


def test_delete_hides_and_restore_brings_back(owner_client: Client, project: Project) -> None:
    owner_client.post(reverse("projects:delete", args=[project.pk]))
    assert owner_client.get(project.get_absolute_url()).status_code == 404
    page = owner_client.get(reverse(INDEX))
    assert list(page.context["deleted"]) == [project]

    owner_client.post(reverse("projects:restore", args=[project.pk]))
    assert owner_client.get(project.get_absolute_url()).status_code == 200


def test_restore_says_if_the_name_is_taken(
    owner: User, owner_client: Client, project: Project
) -> None:
    delete_project(project=project)
    create_project(owner=owner, application="qna", title=project.title)
    response = owner_client.post(reverse("projects:restore", args=[project.pk]), follow=True)

    assert "You already have a project called hr-helpdesk" in response.content.decode()


@pytest.mark.parametrize("name", ["delete", "restore"])
def test_delete_and_restore_of_a_stranger(
    stranger_client: Client, owner_client: Client, project: Project, name: str
) -> None:
    url = reverse(f"projects:{name}", args=[project.pk])

    assert stranger_client.post(url).status_code == 404
    assert owner_client.get(url).status_code == 405
    project.refresh_from_db()
    assert project.deleted_at is None
