"""Sharing a project: who may look, who may change, who may give and take roles."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import ApiToken, AuditEntry, User
from apps.accounts.services import create_token
from apps.projects.enums import Role
from apps.projects.models import Membership, Project
from apps.projects.queries import projects_for, role_of, versions_for
from apps.projects.sharing import share_project
from apps.projects.version_services import build_version


def people(project: Project) -> str:
    return reverse("projects:people", args=[project.pk])


@pytest.fixture
def viewer(project: Project, teammate: User, owner: User) -> User:
    share_project(project=project, who="teammate", role=Role.VIEWER, by=owner)
    return teammate


def test_the_owner_gives_a_role(owner_client: Client, project: Project, teammate: User) -> None:
    response = owner_client.post(people(project), {"who": "Teammate", "role": "editor"})

    assert response.status_code == 302
    assert role_of(teammate, project) is Role.EDITOR
    assert list(projects_for(teammate)) == [project]
    assert AuditEntry.objects.filter(action="projects.share", detail__person="teammate").exists()


def test_a_role_is_changed_not_doubled(
    owner_client: Client, project: Project, viewer: User
) -> None:
    owner_client.post(people(project), {"who": "teammate@example.org", "role": "editor"})

    assert [row.role for row in Membership.objects.all()] == ["editor"]


@pytest.mark.parametrize("who", ["nobody", "", "owner", "x" * 300])
def test_people_who_cannot_be_added_are_named(
    owner_client: Client, project: Project, who: str
) -> None:
    response = owner_client.post(people(project), {"who": who, "role": "viewer"})

    assert response.status_code == 422
    assert response.context["form"].errors["who"]


def test_a_disabled_account_cannot_be_added(
    owner_client: Client, project: Project, teammate: User
) -> None:
    User.objects.filter(pk=teammate.pk).update(is_active=False)

    assert (
        owner_client.post(people(project), {"who": "teammate", "role": "viewer"}).status_code == 422
    )


def test_a_stranger_sees_nothing(stranger_client: Client, project: Project) -> None:
    assert stranger_client.get(people(project)).status_code == 404
    assert stranger_client.post(people(project), {"who": "x", "role": "viewer"}).status_code == 404


def test_members_see_the_people_but_give_no_roles(
    teammate_client: Client, project: Project, viewer: User
) -> None:
    assert b"owner" in teammate_client.get(people(project)).content
    response = teammate_client.post(people(project), {"who": "teammate", "role": "editor"})

    assert response.status_code == 403
    assert role_of(User.objects.get(pk=viewer.pk), Project.objects.get()) is Role.VIEWER


def test_people_as_a_fragment_and_with_the_wrong_method(
    owner_client: Client, project: Project
) -> None:
    fragment = owner_client.get(people(project), headers={"HX-Request": "true"})

    assert b"<html" not in fragment.content
    assert owner_client.delete(people(project)).status_code == 405


def test_people_need_the_same_queries_for_any_number(
    owner: User, owner_client: Client, project: Project
) -> None:
    counts = []
    for number in range(3):
        User.objects.create_user(f"person{number}")
        share_project(project=project, who=f"person{number}", role=Role.VIEWER, by=owner)
        with CaptureQueriesContext(connection) as queries:
            owner_client.get(people(project))
        counts.append(len(queries))

    assert counts[0] == counts[2]


LOOKING = ["overview", "versions", "yaml", "people"]
CHANGING = ["yaml", "build", "collect"]


@pytest.mark.parametrize("name", LOOKING)
def test_a_viewer_looks(teammate_client: Client, project: Project, viewer: User, name: str) -> None:
    assert teammate_client.get(reverse(f"projects:{name}", args=[project.pk])).status_code == 200


@pytest.mark.parametrize("name", CHANGING)
def test_a_viewer_changes_nothing(
    teammate_client: Client, project: Project, viewer: User, name: str
) -> None:
    before = project.draft.yaml
    response = teammate_client.post(
        reverse(f"projects:{name}", args=[project.pk]), {"yaml": "x: 1", "title": "x"}
    )
    project.draft.refresh_from_db()

    assert response.status_code == 403
    assert b"Ask owner" in response.content
    assert project.draft.yaml == before
    assert not project.versions.exists()


def test_an_editor_changes_and_builds(
    owner: User, teammate: User, teammate_client: Client, ready: Project
) -> None:
    share_project(project=ready, who="teammate", role=Role.EDITOR, by=owner)
    step = reverse("projects:wizard", args=[ready.pk, "parameters"])
    teammate_client.get(step)
    teammate_client.post(
        step,
        {
            "temperature": "0.7",
            "top_p": "0.9",
            "top_k": "40",
            "max_tokens": "512",
            "instruction": "Be brief.",
            "seen": teammate_client.get(step).context["seen"],
        },
    )
    response = teammate_client.post(reverse("projects:build", args=[ready.pk]))

    assert response.status_code == 302
    version = versions_for(teammate).get()
    assert version.spec["spec"]["parameters"]["temperature"] == 0.7
    assert version.created_by == teammate


def test_only_the_owner_deletes(
    owner: User, teammate: User, teammate_client: Client, project: Project
) -> None:
    share_project(project=project, who="teammate", role=Role.EDITOR, by=owner)

    assert teammate_client.post(reverse("projects:delete", args=[project.pk])).status_code == 403
    assert projects_for(owner).exists()


def test_the_api_knows_the_roles(project: Project, viewer: User, client: Client) -> None:
    _, secret = create_token(user=viewer, name="test")
    headers = {"Authorization": f"Bearer {secret}"}
    address = f"/api/v1/projects/{project.pk}"

    assert client.get(address, headers=headers).status_code == 200
    refused = client.patch(
        address, {"set": {"metadata.title": "x"}}, "application/json", headers=headers
    )
    assert refused.status_code == 403
    assert refused.json()["code"] == "projects.role-missing"
    assert client.delete(address, headers=headers).status_code == 403
    assert ApiToken.objects.count() == 1


def test_a_viewer_talks_to_a_shared_version(
    owner: User, teammate_client: Client, ready: Project, teammate: User
) -> None:
    build_version(project=ready, by=owner)
    sandbox = reverse("sandboxes:sandbox", args=[ready.pk])
    assert teammate_client.get(sandbox).status_code == 404

    share_project(project=ready, who="teammate", role=Role.VIEWER, by=owner)

    assert teammate_client.get(sandbox).status_code == 200
