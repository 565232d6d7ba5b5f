"""Evaluations from service to summary, with the real engine in its child process."""

from __future__ import annotations

from collections.abc import Callable

import psutil
import pytest

from apps.accounts.models import User
from apps.evaluations.models import Dataset, EvalRun
from apps.evaluations.services import create_dataset, start_run
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.jobs.services import cancel_job, retry_job
from apps.projects.models import SpecVersion
from tests.apps.evaluations.cases import Upload, generative
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.servers.ports import wait_until

Commit = Callable[..., object]


def read(run: EvalRun) -> EvalRun:
    run = EvalRun.objects.select_related("job").get(pk=run.pk)
    assert run.job is not None
    return run


def test_run_judges_every_question(
    version: SpecVersion, dataset: Dataset, owner: User, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        run = start_run(version=version, dataset=dataset, by=owner)

    run = read(run)
    assert (run.job.status, run.job.error_message) == (JobStatus.SUCCEEDED, "")
    assert (run.job.done, run.job.total) == (3, 3)
    assert run.summary["samples"] == 3
    assert run.summary["recall-at-k"]["value"] == 1.0
    assert run.summary["groundedness"]["value"] == 1.0
    first = run.samples.get(ordinal=1)
    assert "within 14 days of delivery" in first.answer
    assert first.verdict == "correct"
    assert first.passages[0]["document"] == "refunds.md"
    assert first.passages[0]["right"] is True
    assert first.citations[0]["chunk_id"] in {one["chunk_id"] for one in first.passages}


def test_run_leaves_no_copy_of_the_knowledge(
    version: SpecVersion,
    dataset: Dataset,
    owner: User,
    settings: object,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        start_run(version=version, dataset=dataset, by=owner)

    assert list((settings.DATA_DIR / "work").glob("*")) == []  # type: ignore[attr-defined]


def test_run_with_a_model_server_and_k(
    version: SpecVersion,
    dataset: Dataset,
    owner: User,
    openai_server: FakeOpenAI,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    version = generative(version, openai_server.url, "fake-model", owner)

    with django_capture_on_commit_callbacks(execute=True):
        run = start_run(version=version, dataset=dataset, by=owner, k=1)

    run = read(run)
    assert run.job.status == JobStatus.SUCCEEDED
    assert [len(row.passages) for row in run.samples.all()] == [1, 1, 1]
    assert run.samples.get(ordinal=1).details["model"] == "fake-model"


def test_run_isolates_the_failure_of_one_question(
    version: SpecVersion,
    dataset: Dataset,
    owner: User,
    openai_server: FakeOpenAI,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    version = generative(version, openai_server.url, "fake-cut2", owner)

    with django_capture_on_commit_callbacks(execute=True):
        run = start_run(version=version, dataset=dataset, by=owner)

    run = read(run)
    assert run.job.status == JobStatus.SUCCEEDED
    assert run.summary["errors"] == 3
    assert run.summary["token-f1"]["value"] == 0
    assert {row.error_code for row in run.samples.all()} == {"service.broke"} or all(
        row.error_message for row in run.samples.all()
    )


def test_retry_asks_only_what_is_missing(
    version: SpecVersion,
    dataset: Dataset,
    owner: User,
    openai_server: FakeOpenAI,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    version = generative(version, openai_server.url, "fake-model", owner)
    with django_capture_on_commit_callbacks(execute=True):
        run = start_run(version=version, dataset=dataset, by=owner)
    run.samples.filter(ordinal=2).delete()
    run.samples.filter(ordinal=3).update(verdict="error")
    Job.objects.filter(pk=run.job_id).update(status=JobStatus.INTERRUPTED)
    openai_server.reset()

    with django_capture_on_commit_callbacks(execute=True):
        retry_job(Job.objects.get(pk=run.job_id))

    run = read(run)
    assert run.job.status == JobStatus.SUCCEEDED
    assert run.summary["samples"] == 3
    assert run.summary["errors"] == 0
    assert len([one for one in openai_server.requests if "chat" in one.path]) == 2


def test_a_model_server_that_is_gone_fails_the_run_and_keeps_what_there_is(
    version: SpecVersion,
    dataset: Dataset,
    owner: User,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    with FakeOpenAI() as server:
        url = server.url
        version = generative(version, url, "fake-model", owner)
    rows = "question,reference\n" + "\n".join(f"Question {n}?,answer" for n in range(40))
    many = create_dataset(
        project=version.project, name="Many", file=Upload(rows.encode(), "many.csv"), by=owner
    )

    with django_capture_on_commit_callbacks(execute=True):
        run = start_run(version=version, dataset=many, by=owner)

    run = read(run)
    assert run.job.status == JobStatus.FAILED
    assert run.job.error_code == "evaluations.application-down"
    assert 0 < run.summary["samples"] < 40
    assert run.job.is_retryable


@pytest.mark.django_db(transaction=True)
def test_cancel_ends_the_engine_and_keeps_what_is_judged(
    embedded_jobs: None,
    version: SpecVersion,
    dataset: Dataset,
    owner: User,
    openai_server: FakeOpenAI,
    finished: Callable[..., Job],
) -> None:
    version = generative(version, openai_server.url, "fake-ttft60000", owner)
    run = start_run(version=version, dataset=dataset, by=owner)
    job = Job.objects.get(pk=run.job_id)
    wait_until(lambda: openai_server.open_streams > 0, what="no question was asked", timeout_s=60)

    cancel_job(job)

    assert finished(job).status == JobStatus.CANCELLED
    assert openai_server.wait_until_idle()


def test_run_in_either_mode_of_background_work(
    job_mode: str,
    version: SpecVersion,
    dataset: Dataset,
    owner: User,
    finished: Callable[..., Job],
) -> None:
    run = start_run(version=version, dataset=dataset, by=owner)

    job = finished(Job.objects.get(pk=run.job_id), timeout_s=90)

    assert (job.status, job.error_message) == (JobStatus.SUCCEEDED, "")
    assert read(run).summary["samples"] == 3


def test_a_killed_engine_costs_only_what_was_under_way(
    embedded_jobs: None,
    version: SpecVersion,
    owner: User,
    openai_server: FakeOpenAI,
    finished: Callable[..., Job],
) -> None:
    openai_server.behaviour = Behaviour(ttft_ms=400)
    version = generative(version, openai_server.url, "fake-model", owner)
    rows = "question,reference\n" + "\n".join(f"Question {n}?,answer" for n in range(24))
    many = create_dataset(
        project=version.project, name="Many", file=Upload(rows.encode(), "many.csv"), by=owner
    )
    run = start_run(version=version, dataset=many, by=owner)
    wait_until(run.samples.exists, what="no sample was recorded", timeout_s=60)

    engine_of_this_process().kill()

    job = finished(Job.objects.get(pk=run.job_id))
    kept = run.samples.count()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "engine.failed")
    assert 0 < kept < 24
    openai_server.behaviour = Behaviour()
    openai_server.reset()
    assert finished(retry_job(job)).status == JobStatus.SUCCEEDED
    assert run.samples.count() == 24
    assert len(openai_server.requests) == 24 - kept


def engine_of_this_process() -> psutil.Process:
    children = psutil.Process().children(recursive=True)
    return next(child for child in children if "worker.engines.evaluate" in child.cmdline())
