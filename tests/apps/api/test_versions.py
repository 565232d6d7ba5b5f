from __future__ import annotations

from apps.accounts.models import User
from apps.projects.models import Project, SpecVersion
from apps.projects.services import save_draft
from apps.projects.version_services import build_version
from tests.apps.api.conftest import MODEL_PROJECT, Api


def second(project: Project, owner: User) -> SpecVersion:
    text = MODEL_PROJECT.replace(
        "application: qna", "application: qna\n  parameters: {temperature: 1}"
    )
    save_draft(project=project, yaml=text, base_revision=2, by=owner)
    return build_version(project=project, by=owner)


def test_list_shows_the_newest_first(
    api: Api, project: Project, version: SpecVersion, owner: User
) -> None:
    second(project, owner)

    body = api.get(f"/projects/{project.pk}/versions").json()

    assert [row["number"] for row in body["results"]] == [2, 1]
    assert body["results"][1]["app_key"] == f"version:{version.pk}"
    assert body["results"][1]["created_by"] == "owner"


def test_list_takes_the_same_queries_for_more_rows(
    api: Api, project: Project, version: SpecVersion, owner: User, queries
) -> None:
    path = f"/projects/{project.pk}/versions"
    one = queries(lambda: api.get(path))
    second(project, owner)

    assert queries(lambda: api.get(path)) == one


def test_retrieve_shows_document_and_graph(
    api: Api, project: Project, version: SpecVersion
) -> None:
    body = api.get(f"/projects/{project.pk}/versions/1").json()

    assert body["yaml"] == MODEL_PROJECT
    assert body["spec"]["metadata"]["name"] == "helpdesk"
    assert body["graph"]["application"] == "qna"
    assert body["sha256"] == version.sha256


def test_diff_speaks_in_words(
    api: Api, project: Project, version: SpecVersion, owner: User
) -> None:
    second(project, owner)

    body = api.get(f"/projects/{project.pk}/versions/2/diff").json()

    assert (body["number"], body["against"]) == (2, 1)
    assert len(body["changes"]) == 1
    assert "Temperature" in body["changes"][0]
    assert api.get(f"/projects/{project.pk}/versions/2/diff", against=7).status_code == 404


def test_name_and_restore(api: Api, project: Project, version: SpecVersion, owner: User) -> None:
    second(project, owner)

    named = api.patch(f"/projects/{project.pk}/versions/1", {"name": "pilot"})
    restored = api.post(f"/projects/{project.pk}/versions/1/restore")

    assert (named.status_code, named.json()["name"]) == (200, "pilot")
    assert restored.json() == {"revision": 4}
    assert api.get(f"/projects/{project.pk}/yaml").json()["yaml"] == MODEL_PROJECT


def test_unknown_number_is_not_found(api: Api, project: Project) -> None:
    assert api.get(f"/projects/{project.pk}/versions/1").status_code == 404


def test_strangers_find_nothing(strange_api: Api, project: Project, version: SpecVersion) -> None:
    path = f"/projects/{project.pk}/versions/1"

    assert strange_api.get(path).status_code == 404
    assert strange_api.patch(path, {"name": "x"}).status_code == 404
    assert strange_api.get(f"{path}/diff").status_code == 404
    assert strange_api.post(f"{path}/restore").status_code == 404
