"""What a connection speaks decides what runs on it, on every page alike."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.connections.services import create_endpoint
from apps.projects.models import Project
from apps.projects.version_services import build_version
from tests.apps.projects.conftest import change


@pytest.fixture
def guarded(project: Project, owner: User) -> Project:
    """A project with a guardrail and reranking at OPEA's services; nothing listens there."""
    for name, kind in (("llm", "openai"), ("guard", "opea"), ("tei", "opea"), ("shop", "http")):
        create_endpoint(owner=owner, name=name, base_url="http://127.0.0.1:9", kind=kind)
    change(
        project,
        owner,
        model={"connection": "llm", "name": "m"},
        guardrails__input=[{"kind": "opea", "connection": "guard"}],
        knowledge__rerank={"connection": "tei", "top_n": 2},
    )
    return project


@pytest.mark.parametrize(
    "path", ["projects:overview", "projects:wizard"], ids=["overview", "wizard"]
)
def test_a_service_of_opea_is_taken_for_one(
    owner_client: Client, guarded: Project, path: str
) -> None:
    args = [guarded.pk] if path == "projects:overview" else [guarded.pk, "safety"]
    response = owner_client.get(reverse(path, args=args))

    assert response.status_code == 200
    codes = [finding.code for finding, _ in response.context["findings"]]
    assert "spec.guardrail.connection-kind" not in codes
    assert "spec.rerank.connection-kind" not in codes


def test_the_step_of_the_model_offers_no_other_service(
    owner_client: Client, guarded: Project
) -> None:
    response = owner_client.get(reverse("projects:wizard", args=[guarded.pk, "model"]))

    names = {row.name for row in response.context["form"].endpoints}
    assert names == {"llm", "guard", "tei"}


def test_a_built_version_runs_its_guardrail(owner: User, guarded: Project) -> None:
    version = build_version(project=guarded, by=owner)

    nodes = {node["id"]: node for node in version.graph["nodes"]}
    assert nodes["guard-input"]["params"]["rules"][0]["connection"] == "guard"
