from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.evaluations.models import Dataset, EvalRun
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.projects.domain.ops import assign
from apps.projects.models import SpecVersion
from apps.projects.queries import spec_of
from apps.projects.services import save_draft
from apps.projects.version_services import build_version

MakeRun = Callable[..., EvalRun]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def run(version: SpecVersion, make_run: MakeRun) -> EvalRun:
    return make_run(version)


def test_run_shows_figures_verdicts_and_samples(run: EvalRun, owner_client: Client) -> None:
    page = owner_client.get(run.get_absolute_url()).content.decode()

    for text in ("Recall@6", "Groundedness", "Verdicts", "Correct (1)", "Wrong (1)"):
        assert text in page
    assert "hx-trigger=&quot;every" not in page


def test_run_polls_while_active_and_stops_after(run: EvalRun, owner_client: Client) -> None:
    Job.objects.filter(pk=run.job_id).update(status=JobStatus.RUNNING, done=1, total=3)
    active = owner_client.get(run.get_absolute_url(), headers=HTMX).content.decode()
    Job.objects.filter(pk=run.job_id).update(status=JobStatus.SUCCEEDED)
    ended = owner_client.get(run.get_absolute_url(), headers=HTMX).content.decode()

    assert 'hx-trigger="every 2s"' in active
    assert "Cancel" in active
    assert "every" not in ended


def test_run_offers_retry_after_a_failure(run: EvalRun, owner_client: Client) -> None:
    Job.objects.filter(pk=run.job_id).update(
        status=JobStatus.FAILED, error_message="The server is gone."
    )

    page = owner_client.get(run.get_absolute_url()).content.decode()

    assert "The server is gone." in page
    assert reverse("jobs:retry", args=[run.job_id]) in page


def test_run_holds_gates_against_its_figures(
    version: SpecVersion, make_run: MakeRun, owner: User, owner_client: Client
) -> None:
    project = version.project
    project.draft.refresh_from_db()
    gates = [
        {"metric": "token-f1", "min": 0.4},
        {"metric": "exact-match", "min": 0.9},
        {"metric": "bleu", "min": 0.1},
    ]
    spec = assign(spec_of(project.draft), {"spec.evaluation.gates": gates})
    save_draft(project=project, spec=spec, base_revision=project.draft.revision, by=owner)
    project.refresh_from_db()
    run = make_run(build_version(project=project, by=owner))

    page = owner_client.get(run.get_absolute_url()).content.decode()

    for outcome in ("Passed", "Failed", "Not measured"):
        assert f"{outcome}</span>" in page


def test_samples_are_filtered_searched_and_sorted(run: EvalRun, owner_client: Client) -> None:
    url = reverse("evaluations:samples", args=[run.pk])

    def shown(**query: str) -> list[int]:
        page = owner_client.get(url, query, headers=HTMX)
        return [row.ordinal for row in page.context["samples"]]

    assert shown() == [1, 2, 3]
    assert shown(verdict="partial") == [2]
    assert shown(q="flights") == [3]
    assert shown(q="Answer 2") == [2]
    assert shown(sort="duration") == [3, 2, 1]
    assert shown(sort="token-f1") == [3, 2, 1]
    assert shown(sort="'; drop table") == [1, 2, 3]
    assert shown(verdict="nonsense") == []


def test_samples_without_htmx_lead_to_the_page(run: EvalRun, owner_client: Client) -> None:
    response = owner_client.get(reverse("evaluations:samples", args=[run.pk]), {"verdict": "wrong"})

    assert response.status_code == 302
    assert run.get_absolute_url() in response["Location"]


def test_sample_shows_everything_about_one_question(run: EvalRun, owner_client: Client) -> None:
    page = owner_client.get(reverse("evaluations:sample", args=[run.pk, 1])).content.decode()

    assert 'href="#citation-1"' in page
    assert 'id="citation-1"' in page
    assert ">Goods may</mark>" in page
    assert "Relevant" in page
    assert "Goods may be returned within 14 days of delivery" in page
    assert owner_client.get(reverse("evaluations:sample", args=[run.pk, 9])).status_code == 404


def test_compare_says_what_changed(
    version: SpecVersion, make_run: MakeRun, owner_client: Client
) -> None:
    first, second = make_run(version, f1=(1.0, 0.0, 0.5)), make_run(version, f1=(1.0, 0.5, 0.0))
    url = reverse("evaluations:compare", args=[version.project_id])

    response = owner_client.get(url, {"run": [str(second.pk), str(first.pk)]})

    assert response.status_code == 200
    assert (response.context["first"], response.context["second"]) == (first, second)
    assert [row.ordinal for row in response.context["better"]] == [2]
    assert [row.ordinal for row in response.context["worse"]] == [3]
    assert {row.direction for row in response.context["differences"]} == {"unclear"}


def test_compare_needs_two_runs_over_one_dataset(run: EvalRun, owner_client: Client) -> None:
    url = reverse("evaluations:compare", args=[run.project_id])

    assert owner_client.get(url).status_code == 422
    assert owner_client.get(url, {"run": [str(run.pk)]}).status_code == 422
    assert owner_client.get(url, {"run": ["x", "y"]}).status_code == 404


def test_report_json_holds_the_whole_run(run: EvalRun, owner_client: Client) -> None:
    response = owner_client.get(reverse("evaluations:report", args=[run.pk, "json"]))

    report = json.loads(response.content)
    assert "attachment" in response["Content-Disposition"]
    assert report["metrics"]["token-f1"]["value"] == pytest.approx(0.5)
    assert report["version"]["sha256"] == run.version.sha256
    assert [row["verdict"] for row in report["samples"]] == ["correct", "partial", "wrong"]


def test_report_csv_is_safe_in_a_spreadsheet(run: EvalRun, owner_client: Client) -> None:
    response = owner_client.get(reverse("evaluations:report", args=[run.pk, "csv"]))

    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[0]["answer"] == "'=Answer 1 [1]"
    assert rows[1]["token-f1"] == "0.5"
    assert owner_client.get(reverse("evaluations:report", args=[run.pk, "exe"])).status_code == 404


def test_delete_removes_run_and_job(run: EvalRun, owner_client: Client) -> None:
    owner_client.post(reverse("evaluations:delete", args=[run.pk]))

    assert not EvalRun.objects.exists()
    assert not Job.objects.filter(pk=run.job_id).exists()


def test_delete_waits_for_the_end_of_the_work(run: EvalRun, owner_client: Client) -> None:
    Job.objects.filter(pk=run.job_id).update(status=JobStatus.RUNNING)

    owner_client.post(reverse("evaluations:delete", args=[run.pk]))
    owner_client.post(reverse("evaluations:delete_dataset", args=[run.dataset_id]))

    assert EvalRun.objects.filter(pk=run.pk).exists()


def test_delete_dataset_takes_its_runs_along(run: EvalRun, owner_client: Client) -> None:
    owner_client.post(reverse("evaluations:delete_dataset", args=[run.dataset_id]))

    assert not Dataset.objects.exists()
    assert not EvalRun.objects.exists()


def test_run_says_when_the_knowledge_has_changed(run: EvalRun, owner_client: Client) -> None:
    run.collections = [{"name": "handbook", "title": "Handbook", "revision": 999}]
    run.save()

    assert (
        "Changed since this run: Handbook"
        in owner_client.get(run.get_absolute_url()).content.decode()
    )
