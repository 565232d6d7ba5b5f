"""Pages with nothing on them tell viewers whom to ask, and editors what to press."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.evaluations.models import EvalRun
from apps.evaluations.services import create_dataset, start_run
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.projects.enums import Role
from apps.projects.models import Membership, Project
from apps.projects.sharing import share_project
from tests.apps.evaluations.cases import QUESTIONS, Upload
from tests.apps.packages.rows import project_of

EMPTY = [
    ("packages:index", ["export one"], "press Export"),
    ("benchmarks:index", ["measure a version"], "Build a version first"),
    ("evaluations:index", ["evaluate a version", "upload one"], "Upload questions"),
    ("projects:versions", ["build a version"], "Review and build"),
    ("sandboxes:sandbox", ["build one"], "you can build as often as you like"),
]
PAGES = pytest.mark.parametrize(("name", "deeds", "order"), EMPTY)


@pytest.fixture
def viewer(project: Project, teammate: User, owner: User) -> User:
    share_project(project=project, who="teammate", role=Role.VIEWER, by=owner)
    return teammate


def shown(client: Client, name: str, project: Project, *more: str) -> str:
    return client.get(reverse(name, args=[project.pk, *more])).content.decode()


@PAGES
def test_a_viewer_is_told_whom_to_ask(
    teammate_client: Client, viewer: User, project: Project, name: str, deeds: list[str], order: str
) -> None:
    page = shown(teammate_client, name, project)

    for deed in deeds:
        assert f"Ask owner to {deed}, or to make you an editor." in page
    assert order not in page


@PAGES
def test_an_editor_is_told_what_to_do(
    teammate_client: Client, viewer: User, project: Project, name: str, deeds: list[str], order: str
) -> None:
    Membership.objects.update(role=Role.EDITOR)

    page = shown(teammate_client, name, project)

    assert "or to make you an editor" not in page
    assert order in page


def test_steps_and_overview_point_a_viewer_to_nothing_that_is_not_there(
    teammate_client: Client, viewer: User, project: Project
) -> None:
    knowledge = shown(teammate_client, "projects:wizard", project, "knowledge")
    overview = shown(teammate_client, "projects:overview", project)

    assert "owner has no collection yet." in knowledge
    assert "Make one below" not in knowledge
    assert "Connect a server" not in knowledge
    assert ">Fix<" not in overview


def test_a_run_offers_retry_only_to_who_may_start_it(
    teammate_client: Client, teammate: User, owner: User
) -> None:
    project, version = project_of(owner)
    share_project(project=project, who="teammate", role=Role.EDITOR, by=owner)
    file = Upload(QUESTIONS, "rules.csv")
    dataset = create_dataset(project=project, name="Rules", file=file, by=owner)
    run = start_run(version=version, dataset=dataset, by=teammate)
    Job.objects.update(status=JobStatus.FAILED, error_message="It broke.")
    page = EvalRun.objects.get(pk=run.pk).get_absolute_url()
    assert b"Retry</button>" in teammate_client.get(page).content

    Membership.objects.update(role=Role.VIEWER)

    assert b"Retry</button>" not in teammate_client.get(page).content
