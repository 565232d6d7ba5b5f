from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.evaluations.errors import ForeignDataset, UnknownMetric
from apps.evaluations.models import Dataset, EvalRun
from apps.evaluations.services import start_run
from apps.projects.models import SpecVersion
from apps.projects.services import create_project
from tests.apps.evaluations.cases import QUESTIONS, Upload


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
    from apps.evaluations.services import create_dataset

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
