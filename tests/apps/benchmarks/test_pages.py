"""What every page of benchmarks promises, and what each shows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.benchmarks.models import BenchRun
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.projects.models import Project, SpecVersion

HTMX = {"HX-Request": "true"}
MakeBench = Callable[..., BenchRun]


@pytest.fixture
def run(version: SpecVersion, make_bench: MakeBench) -> BenchRun:
    return make_bench(version)


def pages_of(run: BenchRun) -> dict[str, str]:
    return {
        "index": reverse("benchmarks:index", args=[run.project_id]),
        "start": reverse("benchmarks:start", args=[run.project_id]),
        "compare": reverse("benchmarks:compare", args=[run.project_id]),
        "run": reverse("benchmarks:run", args=[run.pk]),
        "report": reverse("benchmarks:report", args=[run.pk, "json"]),
        "delete": reverse("benchmarks:delete", args=[run.pk]),
    }


def test_a_stranger_finds_nothing(run: BenchRun, stranger_client: Client) -> None:
    for name, url in pages_of(run).items():
        ask = stranger_client.post if name == "delete" else stranger_client.get
        assert ask(url).status_code == 404


def test_wrong_methods_are_refused(run: BenchRun, owner_client: Client) -> None:
    pages = pages_of(run)

    for name in ("index", "compare", "run", "report"):
        assert owner_client.post(pages[name]).status_code == 405
    assert owner_client.get(pages["delete"]).status_code == 405


@pytest.mark.parametrize("name", ["index", "start", "run"])
def test_page_and_fragment(name: str, run: BenchRun, owner_client: Client) -> None:
    whole = owner_client.get(pages_of(run)[name])
    part = owner_client.get(pages_of(run)[name], headers=HTMX)

    assert (whole.status_code, part.status_code) == (200, 200)
    assert b"<!doctype html>" in whole.content.lower()
    assert b"<!doctype html>" not in part.content.lower()


@pytest.mark.parametrize("name", ["index", "run"])
def test_queries_do_not_grow(
    name: str, version: SpecVersion, make_bench: MakeBench, owner_client: Client
) -> None:
    one = count_queries(owner_client, pages_of(make_bench(version))[name])
    make_bench(version)
    three = count_queries(owner_client, pages_of(make_bench(version))[name])

    assert one == three
    assert three <= 15


def count_queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_index_without_anything_says_what_to_do(project: Project, owner_client: Client) -> None:
    page = owner_client.get(reverse("benchmarks:index", args=[project.pk])).content.decode()

    assert "Nothing measured yet" in page
    assert "Build a version first" in page


def test_run_shows_cards_charts_with_data_and_validity(run: BenchRun, owner_client: Client) -> None:
    page = owner_client.get(run.get_absolute_url()).content.decode()

    for title in (
        "Time to first token",
        "Inter-token latency",
        "Tokens",
        "Requests in flight",
        "CPU of the parts",
        "Memory of the parts",
        "Distribution of whole answers",
    ):
        assert f"<figcaption>{title}</figcaption>" in page
    assert page.count("Data table") >= 8
    assert "103 ms" in page
    assert "May these figures be believed?" in page
    assert "Client-limited" not in page


def test_run_says_when_the_generator_was_the_limit(
    version: SpecVersion, make_bench: MakeBench, owner_client: Client
) -> None:
    run = make_bench(version, client={"cpu_percent": 95.0})

    page = owner_client.get(run.get_absolute_url()).content.decode()

    assert "Client-limited" in page
    assert "95 % of its core" in page


def test_run_prints_no_percentile_below_its_minimal_n(run: BenchRun, owner_client: Client) -> None:
    assert run.summary["ttft_ms"]["p95"] is not None
    assert run.summary["ttft_ms"]["p99"] is None
    assert "n/a" in owner_client.get(run.get_absolute_url()).content.decode()


def test_run_polls_while_active(run: BenchRun, owner_client: Client) -> None:
    Job.objects.filter(pk=run.job_id).update(status=JobStatus.RUNNING)

    page = owner_client.get(run.get_absolute_url(), headers=HTMX).content.decode()

    assert 'hx-trigger="every 2s"' in page
    assert reverse("jobs:cancel", args=[run.job_id]) in page


def test_run_without_figures_says_so(run: BenchRun, owner_client: Client) -> None:
    BenchRun.objects.filter(pk=run.pk).update(summary={}, series={}, records="")
    Job.objects.filter(pk=run.job_id).update(status=JobStatus.FAILED)

    page = owner_client.get(run.get_absolute_url()).content.decode()

    assert "No figures" in page
    assert reverse("jobs:retry", args=[run.job_id]) in page


def test_compare_finds_the_slower_run(
    version: SpecVersion, make_bench: MakeBench, owner_client: Client
) -> None:
    first, second = make_bench(version), make_bench(version, ttft_ms=300)

    response = owner_client.get(
        pages_of(first)["compare"], {"run": [str(second.pk), str(first.pk)]}
    )

    row = response.context["differences"][0]
    assert (row.label, row.change, row.direction) == (
        "Time to first token p50",
        "+194%",
        "worse",
    )


def test_compare_needs_two_runs(run: BenchRun, owner_client: Client) -> None:
    url = pages_of(run)["compare"]

    assert owner_client.get(url).status_code == 422
    assert owner_client.get(url, {"run": [str(run.pk)]}).status_code == 422
    assert owner_client.get(url, {"run": ["x", "y"]}).status_code == 404


def test_report_json_and_csv(run: BenchRun, owner_client: Client) -> None:
    report = json.loads(owner_client.get(pages_of(run)["report"]).content)
    table = owner_client.get(reverse("benchmarks:report", args=[run.pk, "csv"])).content.decode()
    rows = list(csv.DictReader(io.StringIO(table)))

    assert report["summary"]["requests"]["ok"] == 80
    assert set(report["resources"]) == {"application", "generator", "system"}
    assert (len(rows), rows[0]["ttft_ms"], rows[0]["itl_mean_ms"]) == (80, "100.0", "20.0")
    assert owner_client.get(reverse("benchmarks:report", args=[run.pk, "x"])).status_code == 404


def test_delete_removes_records_too(run: BenchRun, owner_client: Client) -> None:
    storage, name = run.records.storage, run.records.name

    owner_client.post(pages_of(run)["delete"])

    assert not BenchRun.objects.exists()
    assert not storage.exists(name)


def test_delete_waits_for_the_end_of_the_work(run: BenchRun, owner_client: Client) -> None:
    Job.objects.filter(pk=run.job_id).update(status=JobStatus.RUNNING)

    owner_client.post(pages_of(run)["delete"])

    assert BenchRun.objects.exists()


def test_ticked_runs_stay_ticked_while_the_list_redraws(
    run: BenchRun, make_bench: MakeBench, owner_client: Client
) -> None:
    make_bench(run.version)

    text = owner_client.get(pages_of(run)["index"]).content.decode()

    assert text.count('hx-preserve="true"') == 2
