from __future__ import annotations

import io
import zipfile

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.connections.models import Endpoint
from apps.connections.services import create_endpoint
from apps.jobs.enums import JobStatus
from apps.packages.models import PackageExport
from tests.apps.packages.rows import project_of

KEY = "sk-7Qm9x-Zr4-T0pS3cret"
pytestmark = pytest.mark.django_db(transaction=True)


def chosen(version_id: object, **values: object) -> dict[str, object]:
    fields = {"version": version_id, "formats": ["compose"], "topology": "single"}
    return {**fields, "include": "none", "port": 8080, **values}


def test_export_is_made_checked_and_offered(owner: User, owner_client: Client) -> None:
    project, version = project_of(owner)

    response = owner_client.post(reverse("packages:start", args=[project.pk]), chosen(version.pk))

    export = PackageExport.objects.get()
    assert (response.status_code, response["Location"]) == (302, export.get_absolute_url())
    assert export.job
    assert (export.job.status, export.job.error_message) == (JobStatus.SUCCEEDED, "")
    assert export.findings == []
    assert export.file.size == export.size_bytes
    assert "Verified: " in export.job.log


def test_download_is_the_whole_archive(owner: User, owner_client: Client) -> None:
    project, version = project_of(owner)
    owner_client.post(reverse("packages:start", args=[project.pk]), chosen(version.pk))
    export = PackageExport.objects.get()

    response = owner_client.get(reverse("packages:download", args=[export.pk]))

    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert response["Content-Type"] == "application/zip"
    assert response["Content-Disposition"] == 'attachment; filename="assistant-v1.zip"'
    assert int(response["Content-Length"]) == len(content) == export.size_bytes
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None


def test_stored_key_is_in_no_byte_of_the_package(owner: User, owner_client: Client) -> None:
    create_endpoint(
        owner=owner,
        name="local-vllm",
        title="vLLM",
        base_url="http://127.0.0.1:8000/v1",
        api_key=KEY,
    )
    project, version = project_of(owner)

    owner_client.post(reverse("packages:start", args=[project.pk]), chosen(version.pk))

    export = PackageExport.objects.get()
    with export.file.open("rb") as file, zipfile.ZipFile(file) as package:
        texts = {name: package.read(name) for name in package.namelist()}
    assert not any(KEY.encode() in content for content in texts.values())
    example = texts["assistant/.env.example"].decode()
    assert "MODEL_LOCAL_VLLM_URL=http://host.docker.internal:8000/v1\n" in example
    assert "MODEL_LOCAL_VLLM_API_KEY=\n" in example


def test_key_in_the_instruction_forbids_the_package(owner: User, owner_client: Client) -> None:
    create_endpoint(
        owner=owner,
        name="local-vllm",
        title="vLLM",
        base_url="http://127.0.0.1:8000/v1",
        api_key=KEY,
    )
    project, version = project_of(owner)
    version.yaml = version.yaml.replace("qna\n", f"qna\n  instruction: use {KEY}\n")
    version.save()

    owner_client.post(reverse("packages:start", args=[project.pk]), chosen(version.pk))

    export = PackageExport.objects.get()
    assert export.job
    assert (export.job.status, export.job.error_code) == (JobStatus.FAILED, "packages.refused")
    assert not export.is_offered
    assert {finding["path"] for finding in export.findings} == {"project.yaml"}
    assert KEY not in export.job.error_message + export.job.log
    page = owner_client.get(export.get_absolute_url()).content.decode()
    assert KEY not in page
    assert "package.secret" in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"topology": "galaxy"},
        {"formats": ["helm"]},
        {"formats": []},
        {"include": "everything"},
        {"port": "0"},
        {"version": "7f000000-0000-4000-8000-000000000000"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_bad_option_is_422(owner: User, owner_client: Client, wrong: dict[str, object]) -> None:
    project, version = project_of(owner)

    response = owner_client.post(
        reverse("packages:start", args=[project.pk]), chosen(version.pk, **wrong)
    )

    assert response.status_code == 422
    assert not PackageExport.objects.exists()


def test_missing_knowledge_fails_the_job_with_what_to_do(owner: User, owner_client: Client) -> None:
    project, version = project_of(owner)
    version.yaml += "  knowledge: {collections: [handbook]}\n"
    version.save()

    owner_client.post(
        reverse("packages:start", args=[project.pk]), chosen(version.pk, include="index")
    )

    export = PackageExport.objects.get()
    assert export.job
    assert export.job.error_code == "packages.knowledge-missing"
    assert "handbook" in export.job.error_message
    assert not export.is_offered


def test_version_of_another_project_is_422(
    owner: User, stranger: User, owner_client: Client
) -> None:
    project, _ = project_of(owner)
    _, theirs = project_of(stranger)

    response = owner_client.post(reverse("packages:start", args=[project.pk]), chosen(theirs.pk))

    assert response.status_code == 422


def test_stranger_gets_404(owner: User, stranger_client: Client) -> None:
    project, version = project_of(owner)

    response = stranger_client.post(
        reverse("packages:start", args=[project.pk]), chosen(version.pk)
    )

    assert response.status_code == 404
    assert not Endpoint.objects.exists()


def test_get_is_405(owner: User, owner_client: Client) -> None:
    project, _ = project_of(owner)

    assert owner_client.get(reverse("packages:start", args=[project.pk])).status_code == 405
