"""Real answers fit the documented schemas."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from apps.accounts.models import User
from apps.accounts.services import create_token
from tests.apps.api.conftest import MODEL_PROJECT, Api


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


def check(document: dict[str, Any], template: str, method: str, answer: Any) -> None:
    """The answer's body against the schema of its operation and status."""
    responses = document["paths"][f"/api/v1{template}"][method]["responses"]
    documented = responses.get(str(answer.status_code), responses["default"])
    media_type = answer["Content-Type"].partition(";")[0]
    schema = documented["content"][media_type]["schema"]
    validator = Draft202012Validator({**schema, "components": document["components"]})
    wrong = [
        f"{list(error.path)}: {error.message}" for error in validator.iter_errors(answer.json())
    ]
    assert wrong == [], template


def test_answers_fit_their_schemas(owner: User, document: dict[str, Any]) -> None:
    api = Api(create_token(owner, "contract")[1])
    made = api.post("/connections", {"name": "vllm", "base_url": "http://127.0.0.1:9/v1"})
    check(document, "/connections", "post", made)
    check(document, "/connections", "get", api.get("/connections"))
    project = api.post("/projects", {"yaml": MODEL_PROJECT})
    check(document, "/projects", "post", project)
    path = f"/projects/{project.json()['id']}"
    check(document, "/projects", "get", api.get("/projects"))
    check(document, "/projects/{id}", "get", api.get(path))
    check(document, "/projects/{id}", "patch", api.patch(path, {"base_revision": 1}))
    check(document, "/projects/{id}/yaml", "get", api.get(f"{path}/yaml"))
    check(document, "/projects/{id}/findings", "get", api.get(f"{path}/findings"))
    check(document, "/projects/{id}/build", "post", api.post(f"{path}/build"))
    check(document, "/projects/{project_id}/versions", "get", api.get(f"{path}/versions"))
    check(
        document, "/projects/{project_id}/versions/{number}", "get", api.get(f"{path}/versions/1")
    )
    diff = "/projects/{project_id}/versions/{number}/diff"
    check(document, diff, "get", api.get(f"{path}/versions/1/diff"))
    package = api.post(f"{path}/packages", {"include": "none"})
    check(document, "/projects/{project_id}/packages", "post", package)
    check(document, "/packages/{id}", "get", api.get(f"/packages/{package.json()['id']}"))
    check(document, "/jobs", "get", api.get("/jobs"))
    collection = api.post("/collections", {"title": "Handbook"})
    check(document, "/collections", "post", collection)
    check(document, "/collections", "get", api.get("/collections"))
    check(document, "/me", "get", api.get("/me"))


def test_problems_fit_their_schema(owner: User, document: dict[str, Any]) -> None:
    api = Api(create_token(owner, "contract")[1])

    for answer in (
        api.post("/projects", {"application": "poetry"}),
        api.post("/projects", {"yaml": "kind: ["}),
        Api().get("/me"),
    ):
        schema = document["components"]["schemas"]["Problem"]
        validator = Draft202012Validator({**schema, "components": document["components"]})
        assert list(validator.iter_errors(answer.json())) == []
