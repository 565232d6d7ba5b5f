"""The page that reads projects of other programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.projects.models import Project
from apps.projects.queries import spec_of
from apps.projects.services import create_project
from tests.apps.projects.importers.samples import FOLDER, SAMPLES

IMPORT = "projects:import"
HTMX = {"HX-Request": "true"}


def upload(name: str) -> dict[str, SimpleUploadedFile]:
    return {"file": SimpleUploadedFile(name, (FOLDER / name).read_bytes())}


def test_import_says_what_can_be_read(owner_client: Client) -> None:
    text = owner_client.get(reverse(IMPORT)).content.decode()

    for name in ("GenAIStudio workflow", "OPEA GMConnector", "Dify app"):
        assert name in text


def test_import_is_linked_from_the_list_and_the_new_project(owner_client: Client) -> None:
    for page in ("projects:index", "projects:create"):
        assert reverse(IMPORT) in owner_client.get(reverse(page)).content.decode()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_import_previews_every_sample_and_makes_nothing_yet(
    owner_client: Client, path: Path
) -> None:
    response = owner_client.post(reverse(IMPORT), upload(path.name))

    assert response.status_code == 200
    assert response.context["imported"].spec is not None
    assert [group[0] for group in response.context["groups"]][0] == "warning"
    assert not Project.objects.exists()


def test_import_confirmed_makes_the_project(owner: User, owner_client: Client) -> None:
    preview = owner_client.post(reverse(IMPORT), upload("flowise-qna.json"))
    values = {"yaml": preview.context["yaml"], "kind": preview.context["imported"].kind}

    response = owner_client.post(reverse(IMPORT), values)

    project = Project.objects.get()
    assert response.url == project.get_absolute_url()
    assert (project.owner, project.name, project.application) == (owner, "flowise-qna", "qna")
    assert spec_of(project.draft) == preview.context["imported"].spec
    assert project.events.get().changes == ["Imported from a GenAIStudio workflow (JSON)."]


def test_import_takes_a_free_name(owner: User, owner_client: Client) -> None:
    create_project(owner=owner, application="qna", title="Canoe desk")
    preview = owner_client.post(reverse(IMPORT), upload("dify-chat.yml"))

    owner_client.post(reverse(IMPORT), {"yaml": preview.context["yaml"], "kind": "dify"})

    assert set(Project.objects.values_list("name", flat=True)) == {"canoe-desk", "canoe-desk-2"}


def test_import_of_pasted_text(owner_client: Client) -> None:
    text = (FOLDER / "gmc-qna.yaml").read_text(encoding="utf-8")

    response = owner_client.post(reverse(IMPORT), {"text": text})

    assert response.context["imported"].spec.metadata.name == "pier-desk"


def test_import_offers_every_project_of_a_file(owner_client: Client) -> None:
    response = owner_client.post(reverse(IMPORT), upload("gmc-several.yaml"))
    (other,) = response.context["others"]

    assert "Also in this file" in response.content.decode()
    owner_client.post(reverse(IMPORT), {"yaml": other["yaml"], "kind": "gmc"})
    owner_client.post(reverse(IMPORT), {"yaml": response.context["yaml"], "kind": "gmc"})
    assert set(Project.objects.values_list("name", flat=True)) == {"codegen", "translation"}


def test_import_shows_no_secret(owner_client: Client) -> None:
    page = owner_client.post(reverse(IMPORT), upload("flowise-qna.json")).content.decode()

    assert "hf_HarbourTokenForTests77" not in page
    assert "held a secret" in page


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"text": "   "},
        {"text": "kind: [", "file": SimpleUploadedFile("a.yml", b"x")},
        {"file": SimpleUploadedFile("a.json", b"\xff\xfe")},
        {"file": SimpleUploadedFile("a.json", b"")},
        {"file": SimpleUploadedFile("a.json", b"[" * 3_000_000)},
        {"text": "\0"},
        {"text": "just words"},
        {"yaml": "kind: ["},
        {"yaml": "", "kind": "nonsense"},
    ],
    ids=range(10),
)
def test_import_refuses(owner_client: Client, values: dict[str, object]) -> None:
    response = owner_client.post(reverse(IMPORT), values)

    assert response.status_code == 422
    assert not Project.objects.exists()


def test_import_names_the_place_of_what_is_wrong(owner_client: Client) -> None:
    page = owner_client.post(reverse(IMPORT), {"text": "app:\n  name: [\n"}).content.decode()

    assert "This line is not valid YAML" in page
    assert "Line 3, column 1" in page


def test_import_as_a_fragment(owner_client: Client) -> None:
    for response in (
        owner_client.get(reverse(IMPORT), headers=HTMX),
        owner_client.post(reverse(IMPORT), upload("dify-chat.yml"), headers=HTMX),
    ):
        assert response.content.decode().lstrip().startswith('<div id="import"')


def test_import_needs_a_login_and_its_methods(client: Client, owner_client: Client) -> None:
    assert client.get(reverse(IMPORT)).status_code == 302
    assert owner_client.put(reverse(IMPORT)).status_code == 405


def test_the_keyboard_goes_on_at_what_was_read(owner_client: Client) -> None:
    """Focus on a heading, not on the long list below it, which would scroll the button away."""
    refused = owner_client.post(reverse("projects:import"), {"text": "{}"}).content.decode()
    read = owner_client.post(
        reverse("projects:import"), {"text": (FOLDER / "dify-chat.yml").read_text()}
    ).content.decode()

    assert refused.count(" autofocus") == read.count(" autofocus") == 1
    assert '<h2 id="import-notes" tabindex="-1" autofocus>' in refused
    assert '<h2 id="import-made" tabindex="-1" autofocus>' in read
