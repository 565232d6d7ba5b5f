"""What people did, in words, on the overview."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.projects.activity import note
from apps.projects.enums import Role, Verb
from apps.projects.models import Project, ProjectEvent
from apps.projects.sharing import share_project
from tests.apps.projects.conftest import change


def lines(project: Project) -> list[tuple[str, list[str]]]:
    return [(event.verb, event.changes) for event in project.events.all()]


def test_edits_that_follow_each_other_share_a_line(project: Project, owner: User) -> None:
    change(project, owner, parameters__temperature=0.5)
    change(project, owner, parameters__top_k=10)

    edited = ["Temperature changed from 0.2 to 0.5.", "Top-k changed from 40 to 10."]
    assert lines(project) == [(Verb.EDITED, edited), (Verb.CREATED, [])]


def test_another_person_or_a_pause_begins_a_line(
    project: Project, owner: User, teammate: User
) -> None:
    note(project, owner, Verb.EDITED, ["a"])
    note(project, teammate, Verb.EDITED, ["b"])
    ProjectEvent.objects.update(at=timezone.now() - timedelta(hours=1))
    note(project, teammate, Verb.EDITED, ["c"])

    assert [changes for verb, changes in lines(project) if verb == Verb.EDITED] == [
        ["c"], ["b"], ["a"],
    ]  # fmt: skip


def test_nothing_changed_is_no_line(project: Project, owner: User) -> None:
    change(project, owner, parameters__temperature=0.2)

    assert [verb for verb, _ in lines(project)] == [Verb.CREATED]


def test_the_overview_tells_who_did_what(
    owner: User, owner_client: Client, teammate: User, project: Project
) -> None:
    share_project(project=project, who="teammate", role=Role.EDITOR, by=owner)
    change(project, teammate, parameters__temperature=0.5)

    text = owner_client.get(project.get_absolute_url()).content.decode()

    assert "teammate: Temperature changed from 0.2 to 0.5." in text
    assert "owner shared the project: teammate is editor now." in text
