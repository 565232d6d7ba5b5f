"""Work that somebody began in a shared project is not done once their role there is too low or gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from celery import current_app
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.services import create_token
from apps.benchmarks.domain.profile import Profile
from apps.benchmarks.models import BenchRun
from apps.benchmarks.services import start_bench
from apps.evaluations.models import Dataset, EvalRun
from apps.evaluations.services import create_dataset, start_run
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.jobs.services import retry_job
from apps.packages.domain.options import Options
from apps.packages.models import PackageExport
from apps.packages.services import start_export
from apps.projects.enums import Role
from apps.projects.models import Membership, SpecVersion
from apps.projects.sharing import share_project
from tests.apps.evaluations.cases import QUESTIONS, Upload
from tests.apps.packages.rows import project_of

KINDS = {"evaluations.run": "Evaluating or loading", "benchmarks.run": "Evaluating or loading",
         "packages.export": "Shipping"}  # fmt: skip
KIND = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def version(owner: User, teammate: User) -> SpecVersion:
    project, version = project_of(owner)
    share_project(project=project, who="teammate", role=Role.EDITOR, by=owner)
    return version


@pytest.fixture
def dataset(version: SpecVersion, owner: User) -> Dataset:
    file = Upload(QUESTIONS, "rules.csv")
    return create_dataset(project=version.project, name="Rules", file=file, by=owner)


Begin = Callable[..., Job]


@pytest.fixture
def begin(version: SpecVersion, dataset: Dataset, teammate: User) -> Begin:
    """A job of that kind that the teammate began as an editor."""

    def make(kind: str, status: str = JobStatus.FAILED) -> Job:
        if kind == "evaluations.run":
            row = start_run(version=version, dataset=dataset, by=teammate)
        elif kind == "benchmarks.run":
            profile = Profile(prompts=("Who?",), allow_remote=True)
            row = start_bench(version=version, profile=profile, by=teammate)
        else:
            row = start_export(version=version, options=Options(include="none"), by=teammate)
        Job.objects.filter(pk=row.job.pk).update(status=status, error_message="It broke.")
        return Job.objects.get(pk=row.job.pk)

    return make


def lower() -> None:
    Membership.objects.update(role=Role.VIEWER)


def remove() -> None:
    Membership.objects.all().delete()


def sentence(kind: str, lose: Callable[[], None]) -> str:
    left = "yours is viewer" if lose is lower else "you have none there any more"
    return f"{KINDS[kind]} Assistant takes the role editor, and {left}. Ask owner, its owner."


def rows_of_work() -> list[object]:
    return [
        list(model.objects.order_by("pk").values())
        for model in (Job, EvalRun, BenchRun, PackageExport)
    ]


LOSE = pytest.mark.parametrize("lose", [lower, remove])


@KIND
@LOSE
def test_the_page_refuses_a_retry(
    kind: str, lose: Callable[[], None], begin: Begin, teammate_client: Client
) -> None:
    job = begin(kind)
    lose()
    before = rows_of_work()

    response = teammate_client.post(reverse("jobs:retry", args=[job.pk]))

    assert response.status_code == 403
    assert sentence(kind, lose) in response.content.decode()
    assert rows_of_work() == before


@KIND
@LOSE
def test_the_api_refuses_a_retry(
    kind: str, lose: Callable[[], None], begin: Begin, teammate: User, client: Client
) -> None:
    job = begin(kind)
    headers = {"Authorization": f"Bearer {create_token(teammate, 'tests')[1]}"}
    lose()
    before = rows_of_work()

    response = client.post(f"/api/v1/jobs/{job.pk}/retry", headers=headers)

    assert response.status_code == 403
    assert response.json()["code"] == "projects.role-missing"
    assert sentence(kind, lose) in response.content.decode()
    assert rows_of_work() == before


@KIND
@LOSE
def test_the_worker_ends_what_waited(kind: str, lose: Callable[[], None], begin: Begin) -> None:
    job = begin(kind, JobStatus.QUEUED)
    lose()
    works = rows_of_work()[1:]

    current_app.tasks[kind].apply(kwargs={"job_id": str(job.pk)}, throw=True)

    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "projects.role-missing")
    assert job.error_message == sentence(kind, lose)
    assert (job.done, job.log) == (0, "")
    assert rows_of_work()[1:] == works


def test_the_first_start_is_refused_in_the_same_words(
    version: SpecVersion, dataset: Dataset, teammate_client: Client
) -> None:
    lower()

    response = teammate_client.post(
        reverse("evaluations:start", args=[version.project_id]),
        {"version": version.pk, "dataset": dataset.pk, "k": ""},
    )

    assert response.status_code == 403
    assert sentence("evaluations.run", lower) in response.content.decode()


@KIND
def test_with_the_role_a_retry_is_queued(kind: str, begin: Begin, teammate_client: Client) -> None:
    job = begin(kind)

    response = teammate_client.post(reverse("jobs:retry", args=[job.pk]))

    job.refresh_from_db()
    assert (response.status_code, job.status) == (302, JobStatus.QUEUED)


@pytest.mark.parametrize("kind", ["evaluations.run", "knowledge.ingest"])
def test_what_belongs_to_no_project_is_retried_as_before(kind: str, owner: User) -> None:
    values = {"target_id": "7", "title": "Work", "status": JobStatus.FAILED}

    assert retry_job(Job.objects.create(kind=kind, owner=owner, **values)).is_active
