"""What every page of evaluations promises: strangers get 404, wrong methods 405, htmx the fragment."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.evaluations.models import Dataset, EvalRun
from apps.projects.models import Project, SpecVersion

HTMX = {"HX-Request": "true"}
MakeRun = Callable[..., EvalRun]

PROJECT_PAGES = ["evaluations:index", "evaluations:upload", "evaluations:start"]


@pytest.fixture
def run(version: SpecVersion, make_run: MakeRun) -> EvalRun:
    return make_run(version)


def pages_of(run: EvalRun) -> dict[str, str]:
    project, dataset = run.project_id, run.dataset_id
    return {
        "index": reverse("evaluations:index", args=[project]),
        "upload": reverse("evaluations:upload", args=[project]),
        "start": reverse("evaluations:start", args=[project]),
        "compare": reverse("evaluations:compare", args=[project]),
        "dataset": reverse("evaluations:dataset", args=[dataset]),
        "run": reverse("evaluations:run", args=[run.pk]),
        "sample": reverse("evaluations:sample", args=[run.pk, 1]),
        "report": reverse("evaluations:report", args=[run.pk, "json"]),
        "samples": reverse("evaluations:samples", args=[run.pk]),
        "delete": reverse("evaluations:delete", args=[run.pk]),
        "delete_dataset": reverse("evaluations:delete_dataset", args=[dataset]),
    }


def test_a_stranger_finds_nothing(run: EvalRun, stranger_client: Client) -> None:
    posted = {"delete", "delete_dataset"}
    statuses = {
        name: (
            stranger_client.post(url) if name in posted else stranger_client.get(url)
        ).status_code
        for name, url in pages_of(run).items()
    }

    assert statuses == dict.fromkeys(statuses, 404)


def test_nobody_gets_in_without_signing_in(run: EvalRun, client: Client) -> None:
    for url in pages_of(run).values():
        assert client.post(url).status_code in {302, 405}


def test_wrong_methods_are_refused(run: EvalRun, owner_client: Client) -> None:
    pages = pages_of(run)

    for name in ("index", "compare", "dataset", "run", "sample", "samples", "report"):
        assert owner_client.post(pages[name]).status_code == 405
    for name in ("delete", "delete_dataset"):
        assert owner_client.get(pages[name]).status_code == 405


@pytest.mark.parametrize("name", ["index", "upload", "start", "dataset", "run", "sample"])
def test_page_and_fragment(name: str, run: EvalRun, owner_client: Client) -> None:
    url = pages_of(run)[name]

    whole = owner_client.get(url)
    part = owner_client.get(url, headers=HTMX)

    assert (whole.status_code, part.status_code) == (200, 200)
    assert b"<!doctype html>" in whole.content.lower()
    assert b"<!doctype html>" not in part.content.lower()


@pytest.mark.parametrize("name", ["index", "run", "samples"])
def test_queries_do_not_grow(
    name: str, version: SpecVersion, make_run: MakeRun, owner_client: Client
) -> None:
    one = make_run(version, f1=(1.0,))
    few = count_queries(owner_client, pages_of(one)[name])
    make_run(version)
    three = make_run(version)

    assert count_queries(owner_client, pages_of(three)[name]) == few
    assert few <= 15


def count_queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.get(url, headers=HTMX if url.endswith("/samples/") else {})
    assert response.status_code == 200
    return len(queries)


def test_unknown_ids_are_404(owner_client: Client) -> None:
    assert owner_client.get(reverse("evaluations:run", args=[uuid4()])).status_code == 404


def test_index_without_anything_says_what_to_do(project: Project, owner_client: Client) -> None:
    page = owner_client.get(reverse("evaluations:index", args=[project.pk])).content.decode()

    assert "Nothing evaluated yet" in page
    assert "No dataset yet" in page
    assert "Build a version first" in page


def test_index_shows_headlines_with_intervals(
    version: SpecVersion, make_run: MakeRun, owner_client: Client
) -> None:
    run = make_run(version)

    page = owner_client.get(reverse("evaluations:index", args=[run.project_id])).content.decode()

    assert "0.50" in page  # token F1 of 1, .5, 0
    assert run.get_absolute_url() in page


def test_template_is_a_valid_dataset(owner_client: Client) -> None:
    from apps.evaluations.domain.dataset_io import parse_dataset

    for kind in ("csv", "jsonl"):
        response = owner_client.get(reverse("evaluations:template", args=[kind]))
        parsed = parse_dataset(response.content, f"x.{kind}")
        assert (len(parsed.questions), parsed.findings) == (3, ())
    assert owner_client.get(reverse("evaluations:template", args=["exe"])).status_code == 404


def test_dataset_is_searched(dataset: Dataset, owner_client: Client) -> None:
    page = owner_client.get(dataset.get_absolute_url(), {"q": "flights"}).content.decode()

    assert "Who approves flights?" in page
    assert "How many days of annual leave" not in page
