from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.evaluations.domain import dataset_io
from apps.evaluations.models import Dataset
from apps.projects.models import Project

GOOD = b"question,reference,relevant\nWho?,Ann,a.md\nWho? ,Bob,a.md\nWhen?,,\n"


def send(
    client: Client, project: Project, data: bytes, name: str = "q.csv", title: str = ""
) -> object:
    file = SimpleUploadedFile(name, data, "text/csv")
    url = reverse("evaluations:upload", args=[project.pk])
    return client.post(url, {"file": file, "name": title})


def test_upload_makes_a_dataset(project: Project, owner_client: Client) -> None:
    response = send(owner_client, project, GOOD)

    dataset = Dataset.objects.get()
    assert response.status_code == 302
    assert response["Location"] == dataset.get_absolute_url()
    assert (dataset.name, dataset.question_count) == ("q", 2)
    assert (dataset.with_references, dataset.with_targets) == (1, 1)
    assert dataset.questions.first().references == ["Ann", "Bob"]
    assert [one["code"] for one in dataset.findings] == [
        "dataset.duplicate",
        "dataset.no-reference",
    ]


def test_upload_names_every_fault_by_line_and_takes_nothing(
    project: Project, owner_client: Client
) -> None:
    response = send(owner_client, project, b"question,reference\nWho?,x\n,y\n,z\n")

    page = response.content.decode()
    assert response.status_code == 422
    assert "2 problems" in page
    assert page.count("The question is empty.") >= 2
    assert not Dataset.objects.exists()


def test_upload_with_a_taken_name(project: Project, dataset: Dataset, owner_client: Client) -> None:
    response = send(owner_client, project, GOOD, title=dataset.name)

    assert response.status_code == 422
    assert "already has a dataset called" in response.content.decode()
    assert Dataset.objects.count() == 1


def test_upload_without_a_file(project: Project, owner_client: Client) -> None:
    response = owner_client.post(reverse("evaluations:upload", args=[project.pk]), {"name": "x"})

    assert response.status_code == 422


def test_upload_of_too_large_a_file(
    project: Project, owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.evaluations.forms.MAX_BYTES", 10)
    monkeypatch.setattr(dataset_io, "MAX_BYTES", 10)

    assert send(owner_client, project, GOOD).status_code == 422


def test_upload_escapes_what_a_file_says(project: Project, owner_client: Client) -> None:
    send(owner_client, project, b"question,reference\n<script>alert(1)</script>?,<b>x</b>\n")

    page = owner_client.get(Dataset.objects.get().get_absolute_url()).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_upload_by_a_stranger(project: Project, stranger_client: Client) -> None:
    assert send(stranger_client, project, GOOD).status_code == 404
    assert not Dataset.objects.exists()
