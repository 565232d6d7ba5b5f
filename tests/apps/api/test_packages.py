from __future__ import annotations

import hashlib

import pytest
from django.core.files.base import ContentFile

from apps.packages.models import PackageExport
from apps.projects.models import Project, SpecVersion
from tests.apps.api.conftest import Api

ARCHIVE = b"PK not really"


@pytest.fixture
def export(project: Project, version: SpecVersion) -> PackageExport:
    made = PackageExport.objects.create(
        project=project,
        version=version,
        options={"formats": ["compose"]},
        sha256=hashlib.sha256(ARCHIVE).hexdigest(),
        size_bytes=len(ARCHIVE),
        contents=[{"path": "a", "size_bytes": 1, "sha256": "x", "reason": "y"}],
    )
    made.file.save("package.zip", ContentFile(ARCHIVE))
    return made


def test_start_takes_the_project_s_own_options(
    api: Api, project: Project, version: SpecVersion
) -> None:
    answer = api.post(f"/projects/{project.pk}/packages", {"topology": "cluster", "port": 9000})

    body = answer.json()
    assert answer.status_code == 202
    assert body["options"]["topology"] == "cluster"
    assert body["options"]["port"] == 9000
    assert body["options"]["formats"] == ["compose"]
    assert body["job"]["kind"] == "packages.export"


def test_start_refuses_unknown_options(api: Api, project: Project, version: SpecVersion) -> None:
    answer = api.post(f"/projects/{project.pk}/packages", {"formats": ["floppy"]})

    assert (answer.status_code, answer.json()["findings"][0]["path"]) == (400, "formats.0")


def test_download_gives_the_bytes(api: Api, export: PackageExport) -> None:
    answer = api.get(f"/packages/{export.pk}/download")

    assert b"".join(answer.streaming_content) == ARCHIVE
    assert answer["Content-Type"] == "application/zip"
    assert answer["ETag"] == f'"{export.sha256}"'
    assert 'filename="helpdesk-v1.zip"' in answer["Content-Disposition"]


def test_download_of_nothing_is_a_conflict(
    api: Api, project: Project, version: SpecVersion
) -> None:
    waiting = PackageExport.objects.create(project=project, version=version)

    answer = api.get(f"/packages/{waiting.pk}/download")

    assert (answer.status_code, answer.json()["code"]) == (409, "api.package-not-ready")


def test_retrieve_lists_the_contents(api: Api, export: PackageExport) -> None:
    body = api.get(f"/packages/{export.pk}").json()

    assert body["contents"] == [{"path": "a", "size_bytes": 1, "sha256": "x", "reason": "y"}]
    assert body["is_ready"] is True


def test_list_takes_the_same_queries_for_more_rows(
    api: Api, export: PackageExport, queries
) -> None:
    path = f"/projects/{export.project_id}/packages"
    one = queries(lambda: api.get(path))
    for _ in range(2):
        PackageExport.objects.create(project=export.project, version=export.version)

    assert queries(lambda: api.get(path)) == one


def test_delete(api: Api, export: PackageExport) -> None:
    assert api.delete(f"/packages/{export.pk}").status_code == 204
    assert api.get(f"/packages/{export.pk}").status_code == 404


def test_strangers_find_nothing(strange_api: Api, export: PackageExport) -> None:
    path = f"/packages/{export.pk}"
    answers = [
        strange_api.get(path),
        strange_api.delete(path),
        strange_api.get(f"{path}/download"),
        strange_api.post(f"/projects/{export.project_id}/packages"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
