from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.evaluations.errors import ForeignDataset, UnknownMetric
from apps.evaluations.models import Dataset, EvalRun
from apps.evaluations.services import create_dataset, start_run
from apps.projects.models import SpecVersion
from apps.projects.services import create_project
from tests.apps.evaluations.cases import QUESTIONS, Upload, of_application


def test_start_queues_a_run(version: SpecVersion, dataset: Dataset, owner_client: Client) -> None:
    response = owner_client.post(
        reverse("evaluations:start", args=[version.project_id]),
        {"version": version.pk, "dataset": dataset.pk, "k": ""},
    )

    run = EvalRun.objects.get()
    assert response["Location"] == run.get_absolute_url()
    assert (run.job.status, run.k, run.model) == ("queued", 6, "builtin/extractive")
    assert [row["name"] for row in run.collections] == ["handbook"]


@pytest.mark.parametrize("k", ["0", "51", "many"])
def test_start_with_a_bad_k(
    k: str, version: SpecVersion, dataset: Dataset, owner_client: Client
) -> None:
    response = owner_client.post(
        reverse("evaluations:start", args=[version.project_id]),
        {"version": version.pk, "dataset": dataset.pk, "k": k},
    )

    assert response.status_code == 422
    assert not EvalRun.objects.exists()


def test_start_takes_no_dataset_of_another_project(
    version: SpecVersion, owner: User, owner_client: Client
) -> None:
    other = create_project(owner=owner, application="qna", title="Other")
    foreign = create_dataset(project=other, name="F", file=Upload(QUESTIONS, "f.csv"), by=owner)

    response = owner_client.post(
        reverse("evaluations:start", args=[version.project_id]),
        {"version": version.pk, "dataset": foreign.pk},
    )

    assert response.status_code == 422
    with pytest.raises(ForeignDataset):
        start_run(version=version, dataset=foreign, by=owner)


def test_start_run_knows_its_metrics(version: SpecVersion, dataset: Dataset, owner: User) -> None:
    run = start_run(version=version, dataset=dataset, by=owner, metrics=["F1", "recall@6"], k=3)

    assert (run.metrics, run.k) == (["token-f1", "recall-at-k"], 3)
    with pytest.raises(UnknownMetric, match="bleu"):
        start_run(version=version, dataset=dataset, by=owner, metrics=["bleu"])


def test_an_application_that_needs_a_picture_is_not_evaluated(
    owner: User, owner_client: Client
) -> None:
    version = of_application("visual-chat", owner)
    data = create_dataset(
        project=version.project, name="Q", file=Upload(QUESTIONS, "q.csv"), by=owner
    )
    url = reverse("evaluations:start", args=[version.project_id])

    page = owner_client.get(url).content.decode()
    response = owner_client.post(url, {"version": version.pk, "dataset": data.pk})

    told = "answers only what comes with a picture, and runs send words alone"
    assert told in page
    assert response.status_code == 422
    assert told in response.content.decode()
    assert not EvalRun.objects.exists()


def test_an_application_that_takes_files_is_evaluated_on_words_and_says_so(
    owner: User, owner_client: Client
) -> None:
    version = of_application("summarizer", owner)
    data = create_dataset(
        project=version.project, name="Q", file=Upload(QUESTIONS, "q.csv"), by=owner
    )
    url = reverse("evaluations:start", args=[version.project_id])

    page = owner_client.get(url).content.decode()
    owner_client.post(url, {"version": version.pk, "dataset": data.pk})

    assert "takes documents, too. A run sends words alone" in page
    assert EvalRun.objects.count() == 1


def test_an_application_of_words_says_nothing_of_files(
    version: SpecVersion, dataset: Dataset, owner_client: Client
) -> None:
    page = owner_client.get(reverse("evaluations:start", args=[version.project_id]))

    assert "sends words alone" not in page.content.decode()
