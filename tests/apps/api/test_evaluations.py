from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.connections.models import Endpoint
from apps.evaluations.models import Dataset, EvalRun
from apps.projects.models import Project, SpecVersion
from tests.apps.api.conftest import Api
from tests.fakes.openai_server import FakeOpenAI

QUESTIONS = b"question,reference\nWhat is one plus one?,two\nWhat is two plus two?,four\n"


def upload(api: Api, project: Project, name: str = "q.csv", data: bytes = QUESTIONS) -> object:
    return api.upload(f"/projects/{project.pk}/datasets", {"file": SimpleUploadedFile(name, data)})


@pytest.fixture
def dataset(api: Api, project: Project) -> Dataset:
    return Dataset.objects.get(pk=upload(api, project).json()["id"])


@pytest.fixture
def run(dataset: Dataset, version: SpecVersion) -> EvalRun:
    return EvalRun.objects.create(
        project=dataset.project,
        version=version,
        dataset=dataset,
        metrics=["correct"],
        summary={"correct": {"value": 0.25, "low": 0.1, "high": 0.4, "n": 2}},
    )


def test_dataset_is_read(api: Api, project: Project) -> None:
    made = upload(api, project)

    body = made.json()
    assert made.status_code == 201
    assert (body["name"], body["question_count"], body["with_references"]) == ("q", 2, 2)
    assert api.get(f"/datasets/{body['id']}").json() == body
    assert api.get(f"/projects/{project.pk}/datasets").json()["results"] == [body]


def test_broken_dataset_is_refused_by_line(api: Api, project: Project) -> None:
    answer = upload(api, project, data=b"question,reference\n,nothing asked\n")

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "evaluations.dataset-refused")
    assert problem["findings"][0]["line"] == 2


def test_dataset_without_a_file_is_refused(api: Api, project: Project) -> None:
    answer = api.upload(f"/projects/{project.pk}/datasets", {"name": "x"})

    assert answer.status_code == 400
    assert answer.json()["findings"][0]["path"] == "file"


@pytest.mark.django_db(transaction=True)
def test_run_is_started_and_shown(
    api: Api, project: Project, dataset: Dataset, version: SpecVersion, openai_server: FakeOpenAI
) -> None:
    Endpoint.objects.update(base_url=openai_server.url)

    started = api.post(
        f"/projects/{project.pk}/evaluations",
        {"dataset": str(dataset.pk), "metrics": ["token-f1", "correct"]},
    )
    shown = api.get(f"/evaluations/{started.json()['id']}").json()
    samples = api.get(f"/evaluations/{started.json()['id']}/samples").json()

    assert started.status_code == 202
    assert started.json()["metrics"] == ["correct", "token-f1"]
    assert shown["job"]["status"] == "succeeded"
    assert shown["summary"]["correct"]["n"] == 2
    assert [gate["outcome"] for gate in shown["gates"]] == ["failed"]
    assert [row["question"] for row in samples["results"]] == [
        "What is one plus one?",
        "What is two plus two?",
    ]


def test_gates_are_held_against_the_run(api: Api, run: EvalRun) -> None:
    gates = api.get(f"/evaluations/{run.pk}").json()["gates"]

    assert gates == [
        {
            "metric": "correct",
            "label": "Correct",
            "minimum": 0.5,
            "maximum": None,
            "value": 0.25,
            "outcome": "failed",
        }
    ]


def test_start_needs_what_exists(api: Api, project: Project, dataset: Dataset) -> None:
    path = f"/projects/{project.pk}/evaluations"

    no_version = api.post(path, {"dataset": str(dataset.pk)})
    no_dataset = api.post(path, {"dataset": "00000000-0000-0000-0000-000000000000"})
    no_metric = api.post(path, {"dataset": str(dataset.pk), "metrics": ["beauty"]})

    assert [no_version.status_code, no_dataset.status_code, no_metric.status_code] == [
        422,
        404,
        400,
    ]


def test_lists_take_the_same_queries_for_more_rows(
    api: Api, project: Project, run: EvalRun, queries
) -> None:
    paths = [f"/projects/{project.pk}/evaluations", f"/projects/{project.pk}/datasets"]
    one = [queries(lambda path=path: api.get(path)) for path in paths]
    for number in range(2):
        upload(api, project, name=f"more-{number}.csv")
        EvalRun.objects.create(project=project, version=run.version, dataset=run.dataset)

    assert [queries(lambda path=path: api.get(path)) for path in paths] == one


def test_delete_run_and_dataset(api: Api, run: EvalRun) -> None:
    assert api.delete(f"/evaluations/{run.pk}").status_code == 204
    assert api.delete(f"/datasets/{run.dataset_id}").status_code == 204
    assert api.get(f"/datasets/{run.dataset_id}").status_code == 404


def test_strangers_find_nothing(strange_api: Api, project: Project, run: EvalRun) -> None:
    answers = [
        strange_api.get(f"/evaluations/{run.pk}"),
        strange_api.get(f"/evaluations/{run.pk}/samples"),
        strange_api.delete(f"/evaluations/{run.pk}"),
        strange_api.get(f"/datasets/{run.dataset_id}"),
        strange_api.delete(f"/datasets/{run.dataset_id}"),
        strange_api.post(f"/projects/{project.pk}/evaluations", {"dataset": str(run.dataset_id)}),
        upload(strange_api, project),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
