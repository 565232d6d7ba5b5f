from __future__ import annotations

from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job


def a_job(owner: User, status: JobStatus) -> Job:
    return Job.objects.create(
        kind="knowledge.ingest", target_id="1", title="Reading", owner=owner, status=status
    )


def test_activity_counts_own_jobs_in_progress(
    owner: User, stranger: User, owner_client: Client
) -> None:
    a_job(owner, JobStatus.RUNNING)
    a_job(owner, JobStatus.SUCCEEDED)
    a_job(stranger, JobStatus.RUNNING)

    content = owner_client.get(reverse("ui:activity")).content.decode()

    assert '<span class="num">1</span>' in content
    assert "every 5s" in content


def test_activity_stops_polling_when_nothing_runs(owner_client: Client) -> None:
    content = owner_client.get(reverse("ui:activity")).content.decode()

    assert "every" not in content
    assert "ui:activity from:body" in content


def test_activity_needs_sign_in(client: Client, db: None) -> None:
    assert client.get(reverse("ui:activity")).status_code == 302


def test_activity_wrong_method(owner_client: Client) -> None:
    assert owner_client.post(reverse("ui:activity")).status_code == 405
