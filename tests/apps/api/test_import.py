"""POST /projects/import."""

from __future__ import annotations

from apps.projects.models import Project
from tests.apps.api.conftest import Api
from tests.apps.projects.importers.samples import FOLDER


def content(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def test_import_makes_a_project(api: Api) -> None:
    answer = api.post("/projects/import", {"content": content("dify-chat.yml")})

    body = answer.json()
    project = Project.objects.get()
    assert (answer.status_code, body["format"], body["application"]) == (201, "dify", "qna")
    assert (body["project"], body["name"]) == (str(project.pk), "canoe-desk")
    assert body["yaml"] == project.draft.yaml
    assert {note["severity"] for note in body["notes"]} == {"warning", "info"}
    assert all(note["line"] for note in body["notes"])
    assert "spec.connection.unknown" in [one["code"] for one in body["findings"]]


def test_import_dry_run_makes_nothing(api: Api) -> None:
    values = {"content": content("flowise-conversation.json"), "name": "Desk", "dry_run": True}

    answer = api.post("/projects/import", values)

    body = answer.json()
    assert (answer.status_code, body["project"], body["name"]) == (200, None, "desk")
    assert not Project.objects.exists()


def test_import_of_one_of_several(api: Api) -> None:
    values = {"content": content("gmc-several.yaml"), "dry_run": True}

    first = api.post("/projects/import", values).json()
    second = api.post("/projects/import", values | {"resource": "codegen"}).json()

    assert (first["name"], first["resources"]) == ("translation", ["translation", "codegen"])
    assert (second["name"], second["resources"]) == ("codegen", ["translation", "codegen"])
    assert api.post("/projects/import", values | {"resource": "x"}).status_code == 422


def test_import_refuses_with_places(api: Api) -> None:
    answer = api.post("/projects/import", {"content": '{"nodes": [\n}'})

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "import.refused")
    assert [(one["code"], one["line"]) for one in problem["findings"]] == [("import.syntax", 2)]


def test_import_wants_content(api: Api) -> None:
    for body in ({}, {"content": 7, "colour": "red"}, {"content": ["a"]}, {"content": ""}):
        assert api.post("/projects/import", body).status_code == 400


def test_import_twice_with_one_key_is_once(api: Api) -> None:
    body = {"content": content("gmc-qna.yaml")}

    first = api.post("/projects/import", body, Idempotency_Key="k1")
    again = api.post("/projects/import", body, Idempotency_Key="k1")

    assert first.json() == again.json()
    assert Project.objects.count() == 1


def test_import_needs_a_token() -> None:
    assert Api().post("/projects/import", {"content": "x"}).status_code == 401
