from __future__ import annotations

from apps.accounts.models import User
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.apps.api.conftest import MODEL_PROJECT, Api

YAML = MODEL_PROJECT.replace("helpdesk", "from-yaml") + "# kept\n"


def test_create_starts_from_the_commented_starter(api: Api) -> None:
    answer = api.post("/projects", {"application": "qna", "title": "My handbook"})

    body = answer.json()
    assert answer.status_code == 201
    assert (body["name"], body["title"], body["application"]) == (
        "my-handbook",
        "My handbook",
        "qna",
    )
    assert (body["owner"], body["revision"]) == ("owner", 1)
    assert body["spec"]["spec"]["application"] == "qna"
    assert [finding["code"] for finding in body["findings"]] == ["spec.knowledge.missing"]
    assert answer["ETag"] == '"1"'


def test_create_from_yaml_keeps_the_text(api: Api) -> None:
    answer = api.post("/projects", {"yaml": YAML})
    same = api.post("/projects", YAML.replace("from-yaml", "as-a-body"))

    assert answer.status_code == 201
    assert Project.objects.get(pk=answer.json()["id"]).draft.yaml == YAML
    assert (same.status_code, same.json()["name"]) == (201, "as-a-body")


def test_create_from_json(api: Api) -> None:
    spec = {
        "apiVersion": "genai.studio/v1",
        "kind": "Project",
        "metadata": {"name": "from-json"},
        "spec": {"application": "qna"},
    }

    answer = api.post("/projects", {"spec": spec})

    assert answer.status_code == 201
    assert answer.json()["spec"]["metadata"]["name"] == "from-json"


def test_create_wants_one_source(api: Api) -> None:
    for body in ({}, {"application": "qna", "yaml": YAML}):
        answer = api.post("/projects", body)
        assert answer.status_code == 400
        assert answer.json()["detail"] == "Give one of application, yaml and spec."


def test_create_refuses_what_is_no_project_by_line(api: Api) -> None:
    answer = api.post("/projects", {"yaml": YAML.replace("spec:", "spec:\n  colour: red")})

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "spec.refused")
    assert [(one["code"], one["path"], one["line"]) for one in problem["findings"]] == [
        ("spec.key.unknown", "spec.colour", 5)
    ]
    assert not Project.objects.exists()


def test_create_refuses_a_name_twice(api: Api, project: Project) -> None:
    answer = api.post("/projects", {"application": "qna", "title": "T", "name": "helpdesk"})

    assert (answer.status_code, answer.json()["code"]) == (409, "projects.name-taken")


def test_create_once_per_key(api: Api) -> None:
    body = {"application": "qna", "title": "Once"}

    first = api.post("/projects", body, Idempotency_Key="k1")
    again = api.post("/projects", body, Idempotency_Key="k1")
    other = api.post("/projects", {**body, "title": "Else"}, Idempotency_Key="k1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "api.idempotency-key-reused")
    assert Project.objects.count() == 1


def test_failed_request_frees_its_key(api: Api) -> None:
    bad = api.post("/projects", {"yaml": "kind: ["}, Idempotency_Key="k2")
    good = api.post("/projects", {"yaml": YAML}, Idempotency_Key="k2")

    assert (bad.status_code, good.status_code) == (422, 201)


def test_list_shows_own_projects_only(api: Api, project: Project, stranger: User) -> None:
    create_project(owner=stranger, application="qna", title="Theirs")

    body = api.get("/projects").json()

    assert body["count"] == 1
    assert [row["name"] for row in body["results"]] == ["helpdesk"]


def test_list_pages(api: Api, owner: User) -> None:
    for number in range(3):
        create_project(owner=owner, application="qna", title=f"P{number}")

    first = api.get("/projects", page_size=2).json()
    last = api.get("/projects", page_size=2, page=2).json()

    assert [len(first["results"]), len(last["results"])] == [2, 1]
    assert first["next"].endswith("/api/v1/projects?page=2&page_size=2")
    assert api.get("/projects", page=9).status_code == 404


def test_list_takes_the_same_queries_for_more_rows(api: Api, owner: User, queries) -> None:
    create_project(owner=owner, application="qna", title="One")
    one = queries(lambda: api.get("/projects"))
    for number in range(3):
        create_project(owner=owner, application="qna", title=f"P{number}")

    assert queries(lambda: api.get("/projects")) == one <= 4


def test_retrieve_takes_few_queries(api: Api, project: Project, queries) -> None:
    assert queries(lambda: api.get(f"/projects/{project.pk}")) <= 5


def test_patch_merges_and_keeps_comments(api: Api, project: Project) -> None:
    api.put(
        f"/projects/{project.pk}/yaml", {"yaml": MODEL_PROJECT + "# kept\n", "base_revision": 2}
    )

    answer = api.patch(
        f"/projects/{project.pk}",
        {
            "base_revision": 3,
            "metadata": {"title": "Help"},
            "spec": {"parameters": {"temperature": 0.7}},
            "set": {"deployment.port": 8081},
        },
    )

    body = answer.json()
    assert answer.status_code == 200
    assert (body["title"], body["revision"]) == ("Help", 4)
    assert body["spec"]["spec"]["parameters"]["temperature"] == 0.7
    assert body["spec"]["spec"]["deployment"]["port"] == 8081
    assert "# kept" in Project.objects.get(pk=project.pk).draft.yaml


def test_patch_refuses_a_wrong_value(api: Api, project: Project) -> None:
    answer = api.patch(
        f"/projects/{project.pk}", {"base_revision": 2, "set": {"parameters.temperature": 9}}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "spec.refused")
    assert answer.json()["findings"][0]["path"] == "spec.parameters.temperature"


def test_lost_race_shows_the_other_side(api: Api, project: Project) -> None:
    path = f"/projects/{project.pk}"
    won = api.patch(path, {"base_revision": 2, "metadata": {"title": "Mine"}})
    lost = api.patch(path, {"base_revision": 2, "metadata": {"title": "Yours"}})

    assert (won.status_code, lost.status_code) == (200, 409)
    assert lost.json()["code"] == "projects.draft-conflict"
    assert "title: Mine" in lost.json()["their_yaml"]


def test_revision_is_asked_for(api: Api, project: Project) -> None:
    path = f"/projects/{project.pk}"

    assert api.patch(path, {"metadata": {"title": "X"}}).status_code == 428
    assert api.patch(path, {"metadata": {"title": "X"}}, If_Match='"2"').status_code == 200
    assert api.patch(path, {"metadata": {"title": "Y"}}, If_Match="two").status_code == 422


def test_yaml_comes_and_goes(api: Api, project: Project) -> None:
    path = f"/projects/{project.pk}/yaml"
    shown = api.get(path)

    saved = api.put(path, MODEL_PROJECT + "# more\n", If_Match=shown["ETag"])

    assert shown.json() == {
        "yaml": MODEL_PROJECT,
        "revision": 2,
        "findings": shown.json()["findings"],
    }
    assert saved.status_code == 200
    assert saved.json()["yaml"] == MODEL_PROJECT + "# more\n"
    assert (saved.json()["revision"], saved["ETag"]) == (3, '"3"')


def test_findings_carry_lines(api: Api, project: Project) -> None:
    body = api.get(f"/projects/{project.pk}/findings").json()

    assert body["revision"] == 2
    assert [(one["code"], one["severity"]) for one in body["findings"]] == [
        ("spec.knowledge.none", "warning")
    ]
    assert body["findings"][0]["line"] > 0


def test_build_freezes_once_per_document(api: Api, project: Project) -> None:
    first = api.post(f"/projects/{project.pk}/build", {"name": "first"})
    again = api.post(f"/projects/{project.pk}/build")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert (first.json()["number"], first.json()["name"]) == (1, "first")
    assert first.json()["graph"]["application"] == "qna"


def test_build_refuses_an_incomplete_project(api: Api) -> None:
    made = api.post("/projects", {"application": "qna", "title": "Empty"}).json()

    answer = api.post(f"/projects/{made['id']}/build")

    assert (answer.status_code, answer.json()["code"]) == (422, "projects.build-refused")
    assert [one["code"] for one in answer.json()["findings"]] == ["spec.knowledge.missing"]


def test_apply_creates_updates_and_rests(api: Api) -> None:
    created = api.post("/projects/apply", {"yaml": YAML}).json()
    unchanged = api.post("/projects/apply", YAML).json()
    changed = YAML.replace("title: Helpdesk", "title: Other")
    planned = api.post("/projects/apply", {"yaml": changed, "dry_run": True}).json()
    updated = api.post("/projects/apply", {"yaml": changed}).json()

    assert [done["action"] for done in (created, unchanged, planned, updated)] == [
        "created",
        "unchanged",
        "updated",
        "updated",
    ]
    assert planned["changes"] == updated["changes"] != []
    assert Project.objects.count() == 1


def test_delete_hides_a_project(api: Api, project: Project) -> None:
    assert api.delete(f"/projects/{project.pk}").status_code == 204
    assert api.get(f"/projects/{project.pk}").status_code == 404


def test_strangers_find_nothing(strange_api: Api, project: Project) -> None:
    path = f"/projects/{project.pk}"
    answers = [
        strange_api.get(path),
        strange_api.patch(path, {"base_revision": 2}),
        strange_api.delete(path),
        strange_api.get(f"{path}/yaml"),
        strange_api.put(f"{path}/yaml", {"yaml": YAML, "base_revision": 2}),
        strange_api.get(f"{path}/findings"),
        strange_api.post(f"{path}/build"),
        strange_api.get(f"{path}/versions"),
        strange_api.get(f"{path}/datasets"),
        strange_api.get(f"{path}/evaluations"),
        strange_api.get(f"{path}/benchmarks"),
        strange_api.get(f"{path}/packages"),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
