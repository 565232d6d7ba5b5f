"""Load runs from service to summary, with the real engines in their child processes."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import orjson
import pytest

from apps.accounts.models import User
from apps.benchmarks.domain.profile import Profile, Slo
from apps.benchmarks.models import BenchRun
from apps.benchmarks.services import start_bench
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.jobs.services import cancel_job, retry_job
from apps.projects.models import SpecVersion
from tests.apps.evaluations.cases import generative
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.servers.ports import wait_until

Commit = Callable[..., object]


def profile(**values: object) -> Profile:
    defaults = {
        "concurrency": 2,
        "duration_s": 3,
        "warmup_s": 1,
        "prompts": ("Who approves flights?", "How many days of leave?"),
        "calibrate": False,
    }
    return Profile.model_validate(defaults | values)


def read(run: BenchRun) -> BenchRun:
    run = BenchRun.objects.select_related("job").get(pk=run.pk)
    assert run.job is not None
    return run


def test_closed_loop_measures_a_known_pace_through_the_application(
    version: SpecVersion,
    owner: User,
    openai_server: FakeOpenAI,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    openai_server.behaviour = Behaviour(ttft_ms=80, itl_ms=10, tokens=12)
    version = generative(version, openai_server.url, "fake-model", owner)
    chosen = profile(slo=Slo(ttft_ms=60_000), calibrate=True)

    with django_capture_on_commit_callbacks(execute=True):
        run = start_bench(version=version, profile=chosen, by=owner)

    run = read(run)
    assert (run.job.status, run.job.error_message) == (JobStatus.SUCCEEDED, "")
    summary = run.summary
    assert summary["requests"]["ok"] == summary["requests"]["total"] > 6
    assert run.job.message == f"{summary['requests']['total']} requests in the measured window"
    assert summary["ttft_ms"]["p50"] >= 80
    assert 8 < summary["itl_mean_ms"]["p50"] < 14
    assert summary["tokens_per_request"] == 12
    assert summary["tokens_by"] == "usage"
    assert summary["goodput"]["value"] == 1.0
    assert summary["calibration"]["requests"] > 0
    assert summary["validity"]["client"]["connections"] == 2
    assert set(run.resources.values_list("part", flat=True)) >= {
        "application",
        "generator",
        "system",
    }
    assert len(run.series["t_s"]) == 4
    lines = [orjson.loads(line) for line in gzip.decompress(run.records.read()).splitlines()]
    assert len(lines) >= summary["requests"]["total"]


def test_open_loop_starts_as_many_requests_as_asked(
    version: SpecVersion, owner: User, django_capture_on_commit_callbacks: Commit
) -> None:
    chosen = profile(mode="open", rate_rps=5.0)

    with django_capture_on_commit_callbacks(execute=True):
        run = start_bench(version=version, profile=chosen, by=owner)

    run = read(run)
    assert run.job.status == JobStatus.SUCCEEDED
    assert run.summary["requests"]["total"] == 15
    assert run.summary["ttft_sent_ms"]["n"] == run.summary["ttft_ms"]["n"]


def test_failures_are_counted_by_cause_and_fail_the_run_when_nothing_else_came(
    version: SpecVersion,
    owner: User,
    openai_server: FakeOpenAI,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    version = generative(version, openai_server.url, "fake-status500", owner)

    with django_capture_on_commit_callbacks(execute=True):
        run = start_bench(version=version, profile=profile(), by=owner)

    run = read(run)
    assert run.job.status == JobStatus.FAILED
    assert run.job.error_code == "benchmarks.all-failed"
    assert list(run.summary["requests"]["errors"]) == ["HTTP 502"]
    assert run.summary["requests"]["ok"] == 0


def test_retry_measures_anew(
    version: SpecVersion, owner: User, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        run = start_bench(version=version, profile=profile(), by=owner)
    rows = run.resources.count()
    Job.objects.filter(pk=run.job_id).update(status=JobStatus.INTERRUPTED)

    with django_capture_on_commit_callbacks(execute=True):
        retry_job(Job.objects.get(pk=run.job_id))

    run = read(run)
    assert run.job.status == JobStatus.SUCCEEDED
    assert abs(run.resources.count() - rows) <= 6


@pytest.mark.django_db(transaction=True)
def test_cancel_ends_application_and_generator(
    embedded_jobs: None,
    version: SpecVersion,
    owner: User,
    openai_server: FakeOpenAI,
    finished: Callable[..., Job],
) -> None:
    openai_server.behaviour = Behaviour(ttft_ms=60_000, tokens=2)
    version = generative(version, openai_server.url, "fake-model", owner)
    run = start_bench(version=version, profile=profile(duration_s=60), by=owner)
    job = Job.objects.get(pk=run.job_id)
    wait_until(lambda: openai_server.open_streams > 0, what="no request was sent", timeout_s=60)

    cancel_job(job)

    assert finished(job).status == JobStatus.CANCELLED
    assert openai_server.wait_until_idle()


def test_run_in_either_mode_of_background_work(
    job_mode: str, version: SpecVersion, owner: User, finished: Callable[..., Job]
) -> None:
    run = start_bench(version=version, profile=profile(), by=owner)

    job = finished(Job.objects.get(pk=run.job_id), timeout_s=90)

    assert (job.status, job.error_message) == (JobStatus.SUCCEEDED, "")
    assert read(run).summary["requests"]["ok"] > 0
