from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.projects.enums import Role
from apps.projects.models import Membership, Project
from apps.projects.queries import projects_for
from apps.projects.sharing import share_project


@pytest.fixture
def membership(project: Project, teammate: User, owner: User) -> Membership:
    return share_project(project=project, who="teammate", role=Role.EDITOR, by=owner)


def address(membership: Membership) -> str:
    return reverse("projects:unshare", args=[membership.project_id, membership.pk])


def test_the_owner_takes_a_role_away(
    owner_client: Client, membership: Membership, teammate: User
) -> None:
    assert owner_client.post(address(membership)).status_code == 302
    assert not projects_for(teammate).exists()


def test_a_member_leaves(teammate_client: Client, membership: Membership, teammate: User) -> None:
    response = teammate_client.post(address(membership))

    assert response.url == reverse("projects:index")
    assert not projects_for(teammate).exists()


def test_a_member_removes_nobody_else(
    owner: User, stranger: User, teammate_client: Client, membership: Membership
) -> None:
    other = share_project(project=membership.project, who="stranger", role=Role.VIEWER, by=owner)

    assert teammate_client.post(address(other)).status_code == 403
    assert Membership.objects.filter(pk=other.pk).exists()


def test_a_stranger_and_the_wrong_method(
    stranger_client: Client, owner_client: Client, membership: Membership
) -> None:
    assert stranger_client.post(address(membership)).status_code == 404
    assert owner_client.get(address(membership)).status_code == 405
