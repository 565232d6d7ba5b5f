"""Claims, ends, interruptions: every race is settled by the row."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.jobs import dispatch, services, sweeper
from apps.jobs.enums import JobStatus
from apps.jobs.errors import BrokerUnavailable
from apps.jobs.executor import Executor
from apps.jobs.models import Job
from apps.runtime.errors import UserFault
from tests.apps.jobs.conftest import Make


class Odd(UserFault):
    code = "tests.odd"
    sentence = "Odd: {what}."


def ended(job: Job, body: Any) -> Job:
    services.run_claimed(str(job.pk), body)
    job.refresh_from_db()
    return job


def test_body_that_ends_well(make_job: Make) -> None:
    def body(claim: services.Claim) -> None:
        claim.progress(3, 4, "three of four")
        claim.write_log("one line")

    job = ended(make_job(), body)
    assert (job.status, job.done, job.total, job.attempt) == (JobStatus.SUCCEEDED, 3, 4, 1)
    assert (job.message, job.log, job.finished_at is not None) == (
        "three of four",
        "one line\n",
        True,
    )


def test_expected_failure_is_told_in_its_own_words(make_job: Make) -> None:
    def body(claim: services.Claim) -> None:
        raise Odd(what="the weather")

    job = ended(make_job(), body)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "tests.odd")
    assert job.error_message == "Odd: the weather."


def test_crash_shows_a_safe_message_and_keeps_the_traceback(make_job: Make) -> None:
    def body(claim: services.Claim) -> None:
        raise RuntimeError("password=secret")

    job = ended(make_job(), body)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "jobs.crashed")
    assert "secret" not in job.error_message
    assert "password=secret" in job.log


def test_job_is_claimed_once(make_job: Make) -> None:
    job, calls = make_job(), []
    for _ in range(2):
        services.run_claimed(str(job.pk), lambda claim: calls.append(claim))
    assert len(calls) == 1


def test_cancel_is_seen_by_the_body(make_job: Make) -> None:
    def body(claim: services.Claim) -> None:
        services.cancel_job(claim.job)
        claim.check()

    assert ended(make_job(), body).status == JobStatus.CANCELLED


def test_body_that_ends_quietly_on_cancel_is_not_done(make_job: Make) -> None:
    def body(claim: services.Claim) -> None:
        services.cancel_job(claim.job)
        assert claim.stop_requested

    assert ended(make_job(), body).status == JobStatus.CANCELLED


def test_job_that_another_holds_is_left_alone(make_job: Make) -> None:
    def body(claim: services.Claim) -> None:
        Job.objects.filter(pk=claim.job.pk).update(claimed_by="somebody else")
        claim.progress(99)

    job = ended(make_job(), body)
    assert (job.status, job.done) == (JobStatus.RUNNING, 0)


def test_silence_interrupts(make_job: Make) -> None:
    old = timezone.now() - timedelta(seconds=services.STALE_AFTER_S + 1)
    silent = make_job(status=JobStatus.RUNNING, heartbeat_at=old)
    alive = make_job(status=JobStatus.RUNNING, heartbeat_at=timezone.now())
    assert services.mark_stale() == 1
    silent.refresh_from_db()
    alive.refresh_from_db()
    assert (silent.status, alive.status) == (JobStatus.INTERRUPTED, JobStatus.RUNNING)
    assert "press Retry" in silent.error_message


def test_start_marks_what_the_process_before_left(make_job: Make) -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    host, now = socket.gethostname(), time.time_ns()
    gone = make_job(status=JobStatus.RUNNING, claimed_by=f"{host}:{child.pid}:1:{now}")
    reused = make_job(status=JobStatus.RUNNING, claimed_by=f"{host}:{os.getpid()}:1:1")
    mine = make_job(status=JobStatus.RUNNING, claimed_by=f"{host}:{os.getpid()}:1:{now}")
    elsewhere = make_job(status=JobStatus.RUNNING, claimed_by=f"other:{child.pid}:1:{now}")
    assert services.mark_orphaned() == 2
    states = dict(Job.objects.values_list("pk", "status"))
    assert [states[job.pk] for job in (gone, reused, mine, elsewhere)] == [
        "interrupted",
        "interrupted",
        "running",
        "running",
    ]


def test_waiting_jobs_are_sent_again_once_in_a_while(
    make_job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(services, "enqueue", lambda kind, pk: sent.append(pk))
    old = make_job()
    Job.objects.filter(pk=old.pk).update(
        created_at=timezone.now() - timedelta(seconds=services.RESEND_AFTER_S + 1)
    )
    make_job()
    assert services.resend_waiting() == 1
    assert services.resend_waiting() == 0
    assert sent == [old.pk]


@pytest.mark.django_db(transaction=True)
def test_restart_of_the_embedded_mode_goes_on_with_what_waits(
    make_job: Make, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(services, "enqueue", lambda kind, pk: sent.append(pk))
    settings.JOBS_MODE = "embedded"
    job = make_job()
    sweeper.resume()
    assert sent == [job.pk]


@pytest.mark.django_db(transaction=True)
def test_silent_broker_leaves_a_retryable_job(owner: Any, settings: Any) -> None:
    from studio.celery import app

    settings.JOBS_MODE = "broker"
    before = app.conf.broker_url
    app.conf.broker_url = "redis://:secret@127.0.0.1:1/0"
    app.amqp._producer_pool = None
    try:
        with pytest.raises(BrokerUnavailable) as refusal:
            services.start_job(kind="knowledge.ingest", target_id="1", title="Work", owner=owner)
    finally:
        app.conf.broker_url = before
        app.amqp._producer_pool = None
    job = Job.objects.get()
    assert (job.status, job.error_code, job.is_retryable) == (
        "interrupted",
        "jobs.broker-unavailable",
        True,
    )
    assert "secret" not in str(refusal.value) + job.error_message


@pytest.mark.django_db(transaction=True)
def test_stopping_process_puts_its_jobs_back(
    make_job: Make, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOBS_MODE = "embedded"
    dispatch._executor.cache_clear()
    executor = dispatch._executor()
    job, started = make_job(), threading.Event()

    def body(claim: services.Claim) -> None:
        started.set()
        while not claim.stop_requested:
            time.sleep(0.01)

    def work() -> None:
        from django.db import connection

        services.run_claimed(str(job.pk), body)
        connection.close()

    executor.submit(work)
    assert started.wait(5)
    executor.shutdown()
    dispatch._executor.cache_clear()
    job.refresh_from_db()
    assert (job.status, job.claimed_by) == (JobStatus.QUEUED, "")


def test_executor_drops_what_waits_and_reports_errors() -> None:
    executor, gate, began = Executor(1), threading.Event(), threading.Event()
    first = executor.submit(lambda: began.set() or gate.wait(5))
    second = executor.submit(lambda: 1)
    assert began.wait(5)
    executor.stopping.set()
    gate.set()
    executor.shutdown()
    assert first.result(1) is True
    assert second.cancelled()
    other = Executor(1)
    failing = other.submit(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        failing.result(1)
    other.shutdown()
