from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.packages.models import PackageExport
from tests.apps.packages.rows import export_row, project_of

HTMX = {"HX-Request": "true"}


@pytest.fixture
def export(owner: User) -> PackageExport:
    """A finished package with two files."""
    _, version = project_of(owner)
    row = export_row(version)
    row.job = Job.objects.create(
        kind="packages.export", target_id=row.pk, title="x", owner=owner, status=JobStatus.SUCCEEDED
    )
    row.contents = [
        {"path": "README.md", "size_bytes": 10, "sha256": "a" * 64, "reason": "start here"},
        {
            "path": "portal/apps/chat/views.py",
            "size_bytes": 20,
            "sha256": "b" * 64,
            "reason": "code",
        },
    ]
    row.file.save("package.zip", ContentFile(b"zip"), save=False)
    row.size_bytes, row.sha256 = 3, "c" * 64
    row.save()
    return row


def test_index_starts_from_the_projects_deployment(owner: User, owner_client: Client) -> None:
    project, version = project_of(owner)

    response = owner_client.get(reverse("packages:index", args=[project.pk]))

    assert response.status_code == 200
    assert response.context["form"].initial == {
        "version": version.pk,
        "formats": ["compose"],
        "topology": "cluster",
        "include": "none",
        "port": 9090,
    }


def test_index_without_a_version_says_what_to_do(owner: User, owner_client: Client) -> None:
    project, version = project_of(owner)
    version.delete()

    page = owner_client.get(reverse("packages:index", args=[project.pk])).content.decode()

    assert "Build a version first" in page


def test_index_is_a_page_or_a_fragment(owner: User, owner_client: Client) -> None:
    project, _ = project_of(owner)
    url = reverse("packages:index", args=[project.pk])

    whole = owner_client.get(url)
    fragment = owner_client.get(url, headers=HTMX)

    assert b"<html" in whole.content
    assert b"<html" not in fragment.content
    assert b'id="packages"' in fragment.content


def test_index_asks_as_often_for_three_packages_as_for_one(
    owner: User, owner_client: Client
) -> None:
    project, version = project_of(owner)
    url = reverse("packages:index", args=[project.pk])
    export_row(version)
    with CaptureQueriesContext(
        connection,
    ) as one:
        owner_client.get(url)
    export_row(version)
    export_row(version)
    with CaptureQueriesContext(connection) as three:
        owner_client.get(url)

    assert len(three) == len(one) < 15


def test_detail_shows_commands_and_contents(owner_client: Client, export: PackageExport) -> None:
    page = owner_client.get(export.get_absolute_url()).content.decode()

    for part in ("docker compose up --wait", "./scripts/first-admin", "make run", "c" * 64):
        assert part in page
    assert "portal/apps/chat" in page


def test_detail_is_a_page_or_a_fragment(owner_client: Client, export: PackageExport) -> None:
    fragment = owner_client.get(export.get_absolute_url(), headers=HTMX)

    assert b"<html" not in fragment.content
    assert b'id="package"' in fragment.content


def test_detail_polls_while_the_package_is_made(
    owner_client: Client, export: PackageExport
) -> None:
    Job.objects.update(status=JobStatus.RUNNING)

    assert b'hx-trigger="every' in owner_client.get(export.get_absolute_url()).content


def test_download_of_a_refused_package_is_404(owner_client: Client, export: PackageExport) -> None:
    export.file.delete()

    assert owner_client.get(reverse("packages:download", args=[export.pk])).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_delete_removes_row_and_archive(owner_client: Client, export: PackageExport) -> None:
    storage, name = export.file.storage, export.file.name

    response = owner_client.post(reverse("packages:delete", args=[export.pk]))

    assert response.status_code == 302
    assert not PackageExport.objects.exists()
    assert not storage.exists(name)


@pytest.mark.parametrize("name", ["detail", "download", "delete"])
def test_stranger_gets_404(stranger_client: Client, export: PackageExport, name: str) -> None:
    url = reverse(f"packages:{name}", args=[export.pk])
    response = stranger_client.post(url) if name == "delete" else stranger_client.get(url)

    assert response.status_code == 404
    assert PackageExport.objects.exists()


def test_stranger_sees_no_list(owner: User, stranger_client: Client) -> None:
    project, _ = project_of(owner)

    assert stranger_client.get(reverse("packages:index", args=[project.pk])).status_code == 404


@pytest.mark.parametrize(
    ("name", "method"), [("detail", "post"), ("download", "post"), ("delete", "get")]
)
def test_wrong_method_is_405(
    owner_client: Client, export: PackageExport, name: str, method: str
) -> None:
    response = getattr(owner_client, method)(reverse(f"packages:{name}", args=[export.pk]))

    assert response.status_code == 405
