"""The YAML page: edit, check, upload, download, conflicts."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.projects.models import Draft, Project
from tests.apps.projects.conftest import change

HTMX = {"HX-Request": "true"}


@pytest.fixture
def url(project: Project) -> str:
    return reverse("projects:yaml", args=[project.pk])


def test_yaml_is_shown_with_its_findings(owner_client: Client, project: Project, url: str) -> None:
    response = owner_client.get(url)

    assert response.context["form"]["yaml"].value() == project.draft.yaml
    assert [row["finding"].code for row in response.context["rows"]] == ["spec.knowledge.missing"]
    assert response.context["rows"][0]["source"] == "collections: []"


def test_yaml_is_saved_byte_for_byte(owner_client: Client, project: Project, url: str) -> None:
    text = project.draft.yaml.replace("8080", "9000  # odd") + "# end\n"
    response = owner_client.post(
        url, {"yaml": text.replace("\n", "\r\n"), "base_revision": project.draft.revision}
    )

    assert response.status_code == 302
    assert Draft.objects.get().yaml == text


def test_yaml_that_does_not_fit_is_kept_until_it_does(
    owner_client: Client, project: Project, url: str
) -> None:
    before = project.draft.yaml
    bad = before.replace("temperature:", "temprature:")
    response = owner_client.post(url, {"yaml": bad, "base_revision": 1})

    text = response.content.decode()
    assert response.status_code == 422
    assert "Did you mean temperature?" in text
    assert 'data-line="21"' in text
    assert Draft.objects.get().yaml == before
    again = owner_client.get(url)
    assert again.context["form"]["yaml"].value() == bad
    assert again.context["unfit"] is True

    owner_client.post(url, {"yaml": before, "base_revision": 1})
    assert Draft.objects.get().unfit_input == {}


def test_yaml_saved_on_an_old_revision_shows_both_sides(
    owner: User, owner_client: Client, project: Project, url: str
) -> None:
    mine = project.draft.yaml.replace("8080", "7000")
    change(project, owner, deployment__port=9000)
    response = owner_client.post(url, {"yaml": mine, "base_revision": 1})

    assert response.status_code == 409
    assert response.context["differences"] == ["Port changed from 9000 to 7000."]
    kept = owner_client.post(url, {"yaml": mine, "base_revision": 2})
    assert kept.status_code == 302
    assert "port: 7000" in Draft.objects.get().yaml


def test_yaml_upload_and_download(owner_client: Client, project: Project, url: str) -> None:
    text = project.draft.yaml.replace("8080", "9000")
    file = SimpleUploadedFile("project.yaml", b"\xef\xbb\xbf" + text.encode())
    owner_client.post(url, {"file": file, "base_revision": 1})
    response = owner_client.get(url, {"download": ""})

    assert response.content.decode() == text
    assert response["Content-Disposition"] == 'attachment; filename="hr-helpdesk.yaml"'


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"PK\x03\x04", b"a: [" * 1000])
def test_yaml_upload_of_anything_else_is_refused(
    owner_client: Client, project: Project, url: str, content: bytes
) -> None:
    response = owner_client.post(
        url, {"file": SimpleUploadedFile("x.yaml", content), "base_revision": 1}
    )

    assert response.status_code == 422
    assert Draft.objects.get().yaml == project.draft.yaml


def test_yaml_too_large_is_refused(owner_client: Client, project: Project, url: str) -> None:
    file = SimpleUploadedFile("x.yaml", b"#" * (1024 * 1024 + 1))

    assert owner_client.post(url, {"file": file, "base_revision": 1}).status_code == 422


def test_yaml_that_renames_onto_another_project(
    owner: User, owner_client: Client, project: Project, url: str
) -> None:
    from apps.projects.services import create_project

    create_project(owner=owner, application="qna", title="Other")
    text = project.draft.yaml.replace("name: hr-helpdesk", "name: other")
    response = owner_client.post(url, {"yaml": text, "base_revision": 1})

    assert response.status_code == 422
    assert "You already have a project called other" in response.content.decode()


def test_yaml_never_becomes_markup(owner_client: Client, project: Project, url: str) -> None:
    text = "</textarea><script>alert(1)</script>: 1"
    response = owner_client.post(url, {"yaml": text, "base_revision": 1})

    assert b"<script>alert" not in response.content


def test_yaml_of_a_stranger(stranger_client: Client, url: str) -> None:
    assert stranger_client.get(url).status_code == 404
    assert stranger_client.post(url, {"yaml": "a: 1"}).status_code == 404


def test_yaml_wrong_method(owner_client: Client, url: str) -> None:
    assert owner_client.put(url).status_code == 405


# check: projects:check


def test_check_gives_findings_and_saves_nothing(owner_client: Client, project: Project) -> None:
    url = reverse("projects:check", args=[project.pk])
    response = owner_client.post(url, {"yaml": "a: 1"}, headers=HTMX)

    text = response.content.decode()
    assert 'id="findings"' in text
    assert "<html" not in text
    assert Draft.objects.get().unfit_input == {}


def test_check_of_a_stranger(
    stranger_client: Client, owner_client: Client, project: Project
) -> None:
    url = reverse("projects:check", args=[project.pk])

    assert stranger_client.post(url, {"yaml": ""}).status_code == 404
    assert owner_client.get(url).status_code == 405


# schema: projects:schema


def test_schema_is_published_to_everybody(client: Client) -> None:
    response = client.get("/projects/schema/v1.json")

    assert response["Content-Type"] == "application/schema+json"
    assert response.json()["$id"] == "http://testserver/projects/schema/v1.json"
    assert client.post(reverse("projects:schema")).status_code == 405
