from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import create_token
from apps.projects.models import Project, SpecVersion
from apps.projects.services import create_project, save_draft
from apps.projects.version_services import build_version

MODEL_PROJECT = """\
apiVersion: genai.studio/v1
kind: Project
metadata: {name: helpdesk, title: Helpdesk}
spec:
  application: qna
  model: {connection: vllm, name: fake}
  evaluation:
    gates: [{metric: correct, min: 0.5}]
"""


class Api:
    """The test client with a token, JSON in and out: `api.post("/projects", {...})`."""

    def __init__(self, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = Client(headers=headers)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1{path}", query)

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/api/v1{path}")

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("post", path, body, headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("put", path, body, headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("patch", path, body, headers)

    def upload(self, path: str, data: dict[str, Any], **headers: str) -> Any:
        return self.client.post(f"/api/v1{path}", data, headers=_names(headers))

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        text = body if isinstance(body, str) else json.dumps(body or {})
        kind = "application/yaml" if isinstance(body, str) else "application/json"
        send = getattr(self.client, method)
        return send(f"/api/v1{path}", data=text, content_type=kind, headers=_names(headers))


def _names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def api(owner: User) -> Api:
    return Api(create_token(owner, "tests")[1])


@pytest.fixture
def strange_api(stranger: User) -> Api:
    return Api(create_token(stranger, "tests")[1])


@pytest.fixture
def anonymous_api() -> Api:
    return Api()


@pytest.fixture
def project(owner: User) -> Project:
    """With a language model by name, so that it builds without knowledge."""
    from apps.connections.models import Endpoint

    Endpoint.objects.create(
        owner=owner, name="vllm", title="vLLM", base_url="http://127.0.0.1:9/v1"
    )
    made = create_project(owner=owner, application="qna", title="Helpdesk", name="helpdesk")
    save_draft(project=made, yaml=MODEL_PROJECT, base_revision=1, by=owner)
    return Project.objects.get(pk=made.pk)


@pytest.fixture
def version(project: Project, owner: User) -> SpecVersion:
    return build_version(project=project, by=owner)


@pytest.fixture
def queries(django_assert_num_queries: Any) -> Callable[[Callable[[], Any]], int]:
    """Counts the queries of a call; the first call before it warms caches (sessions, content types)."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count(call: Callable[[], Any]) -> int:
        call()
        with CaptureQueriesContext(connection) as captured:
            assert call().status_code == 200
        return len(captured)

    return count
