from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.jobs.enums import JobStatus
from tests.apps.jobs.conftest import Make

HTMX = {"HTTP_HX_REQUEST": "true"}


def url(name: str, *args: Any) -> str:
    return reverse(f"jobs:{name}", args=args)


def test_index_shows_own_jobs_and_an_administrator_all(
    owner_client: Client, admin_client: Client, make_job: Make, stranger: User
) -> None:
    make_job(title="Mine")
    make_job(title="Theirs", owner=stranger)
    assert [row.title for row in owner_client.get(url("index")).context["rows"]] == ["Mine"]
    assert len(admin_client.get(url("index")).context["rows"]) == 2


def test_index_filters_by_title_and_state(owner_client: Client, make_job: Make) -> None:
    make_job(title="Index files", status=JobStatus.RUNNING)
    make_job(title="Export", status=JobStatus.FAILED)
    for query, expected in (
        ({"q": "index"}, ["Index files"]),
        ({"state": "active"}, ["Index files"]),
        ({"state": "failed"}, ["Export"]),
        ({"q": "index", "state": "failed"}, []),
    ):
        page = owner_client.get(url("index"), query, **HTMX)
        assert [row.title for row in page.context["rows"]] == expected
        assert b"<html" not in page.content


def test_empty_index_says_what_comes_here(owner_client: Client) -> None:
    assert "No jobs yet" in owner_client.get(url("index")).content.decode()


def test_same_number_of_queries_for_one_and_three(owner_client: Client, make_job: Make) -> None:
    counts = []
    for number in (1, 2):
        for _ in range(number):
            make_job()
        with CaptureQueriesContext(connection) as queries:
            owner_client.get(url("index"))
        counts.append(len(queries))
    assert counts[0] == counts[1] < 15


@pytest.mark.parametrize("name", ["row", "progress"])
def test_row_and_progress_poll_only_while_active(
    owner_client: Client, make_job: Make, name: str
) -> None:
    job = make_job(status=JobStatus.RUNNING, done=1, total=4)
    assert 'hx-trigger="every 2s"' in owner_client.get(url(name, job.pk)).content.decode()
    job.status = JobStatus.SUCCEEDED
    job.save()
    assert "every 2s" not in owner_client.get(url(name, job.pk)).content.decode()


def test_detail_says_what_went_wrong_and_offers_retry(owner_client: Client, make_job: Make) -> None:
    job = make_job(
        status=JobStatus.FAILED,
        error_code="x.y",
        error_message="The disk is full. <b>",
        log="Traceback",
    )
    page = owner_client.get(job.get_absolute_url()).content.decode()
    assert "The disk is full. &lt;b&gt;" in page
    assert url("retry", job.pk) in page
    assert "Traceback" not in page


def test_log_is_for_administrators(admin_client: Client, make_job: Make) -> None:
    job = make_job(status=JobStatus.FAILED, log="Traceback (most recent call last)")
    assert "Traceback (most" in admin_client.get(job.get_absolute_url()).content.decode()


def test_status_as_json(owner_client: Client, make_job: Make) -> None:
    job = make_job(status=JobStatus.RUNNING, done=1, total=4, message="1 of 4 files")
    told = owner_client.get(url("status", job.pk)).json()
    assert (told["status"], told["percent"], told["active"], told["error"]) == (
        "running",
        25,
        True,
        None,
    )


def test_cancel_ends_a_waiting_job_at_once(owner_client: Client, make_job: Make) -> None:
    job = make_job()
    assert owner_client.post(url("cancel", job.pk)).status_code == 302
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED


def test_retry_of_what_is_done_is_409(owner_client: Client, make_job: Make) -> None:
    job = make_job(status=JobStatus.SUCCEEDED)
    answer = owner_client.post(url("retry", job.pk))
    assert answer.status_code == 409
    assert "only failed, cancelled and interrupted" in answer.content.decode()


def test_retry_queues_again(owner_client: Client, make_job: Make, settings: Any) -> None:
    settings.JOBS_MODE = "broker"
    job = make_job(status=JobStatus.INTERRUPTED, error_message="gone")
    page = owner_client.post(url("retry", job.pk), **HTMX)
    job.refresh_from_db()
    assert (job.status, job.error_message) == (JobStatus.QUEUED, "")
    assert b'id="job"' in page.content


def test_everything_of_a_stranger_is_404(stranger_client: Client, make_job: Make) -> None:
    job = make_job()
    for name in ("detail", "row", "progress", "status"):
        assert stranger_client.get(url(name, job.pk)).status_code == 404
    for name in ("cancel", "retry"):
        assert stranger_client.post(url(name, job.pk)).status_code == 404


def test_wrong_methods_are_405(owner_client: Client, make_job: Make) -> None:
    job = make_job()
    for name in ("cancel", "retry"):
        assert owner_client.get(url(name, job.pk)).status_code == 405
    for name in ("detail", "row", "status"):
        assert owner_client.post(url(name, job.pk)).status_code == 405
