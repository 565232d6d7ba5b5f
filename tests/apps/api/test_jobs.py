from __future__ import annotations

from apps.accounts.models import User
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from tests.apps.api.conftest import Api


def job(owner: User, status: str = JobStatus.FAILED, **values: str) -> Job:
    kind = values.pop("kind", "knowledge.ingest")
    return Job.objects.create(
        kind=kind, target_id="x", title="Index", owner=owner, status=status, **values
    )


def test_list_filters(api: Api, owner: User) -> None:
    job(owner)
    job(owner, JobStatus.SUCCEEDED, kind="packages.export")

    assert api.get("/jobs").json()["count"] == 2
    assert api.get("/jobs", status="failed").json()["count"] == 1
    assert api.get("/jobs", kind="packages.export").json()["results"][0]["status"] == "succeeded"
    assert api.get("/jobs", status="lazy").status_code == 400


def test_list_takes_the_same_queries_for_more_rows(api: Api, owner: User, queries) -> None:
    job(owner)
    one = queries(lambda: api.get("/jobs"))
    job(owner)
    job(owner)

    assert queries(lambda: api.get("/jobs")) == one


def test_retrieve_shows_the_log(api: Api, owner: User) -> None:
    row = job(owner, log="line\n", error_code="service.unavailable", error_message="No answer.")

    body = api.get(f"/jobs/{row.pk}").json()

    assert (body["log"], body["error_code"], body["owner"]) == (
        "line\n",
        "service.unavailable",
        "owner",
    )


def test_cancel_asks_to_stop(api: Api, owner: User) -> None:
    waiting, running = job(owner, JobStatus.QUEUED), job(owner, JobStatus.RUNNING)

    assert api.post(f"/jobs/{waiting.pk}/cancel").json()["status"] == "cancelled"
    assert api.post(f"/jobs/{running.pk}/cancel").json()["cancel_requested"] is True


def test_retry_refuses_what_is_done(api: Api, owner: User) -> None:
    answer = api.post(f"/jobs/{job(owner, JobStatus.SUCCEEDED).pk}/retry")

    assert (answer.status_code, answer.json()["code"]) == (409, "jobs.not-retryable")


def test_strangers_find_nothing(strange_api: Api, owner: User) -> None:
    path = f"/jobs/{job(owner).pk}"

    assert strange_api.get(path).status_code == 404
    assert strange_api.post(f"{path}/cancel").status_code == 404
    assert strange_api.post(f"{path}/retry").status_code == 404
    assert strange_api.get("/jobs").json()["count"] == 0
