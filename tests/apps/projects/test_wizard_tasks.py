"""The steps that only some applications have, safety, and trying from any step."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.connections.models import Endpoint
from apps.projects.domain.spec import Guardrail
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.apps.projects.conftest import change
from tests.apps.projects.test_wizard import PARAMETERS, address, saved, send


def made(owner: User, application: str) -> Project:
    return create_project(owner=owner, application=application, title=application)


def test_languages_are_kept_and_the_path_goes_on(owner: User, owner_client: Client) -> None:
    project = made(owner, "translation")

    response = send(owner_client, project, "languages", {"source": "German", "target": "French"})

    assert response.url == address(project, "parameters")
    assert (saved(project).languages.source, saved(project).languages.target) == (
        "German",
        "French",
    )


def test_generated_code_has_one_language(owner: User, owner_client: Client) -> None:
    project = made(owner, "code-gen")
    form = owner_client.get(address(project, "languages")).context["form"]

    assert list(form.fields) == ["target"]
    assert "Rust" in form.proposals
    send(owner_client, project, "languages", {"target": "Rust"})
    assert saved(project).languages.target == "Rust"


def test_a_language_that_is_too_long_is_refused(owner: User, owner_client: Client) -> None:
    project = made(owner, "translation")

    response = send(owner_client, project, "languages", {"target": "x" * 61})

    assert response.status_code == 422
    assert response.context["form"].errors["target"]


def test_the_model_step_offers_no_answerer_that_cannot_answer(
    owner: User, owner_client: Client
) -> None:
    translating = owner_client.get(address(made(owner, "translation"), "model"))
    answering = owner_client.get(address(made(owner, "qna"), "model"))

    assert b'value="builtin"' not in translating.content
    assert b"writes text of its own" in translating.content
    assert b'value="builtin"' in answering.content


RULES = {
    "input_pii": "mask",
    "input_prompt_injection": "block",
    "input_toxicity": "off",
    "input_topic": "block",
    "output_pii": "off",
    "output_toxicity": "flag",
    "output_topic": "off",
    "topics": "salaries, mergers,\nsalaries",
}


def test_safety_writes_rules(owner_client: Client, project: Project) -> None:
    response = send(owner_client, project, "safety", RULES)
    guardrails = saved(project).guardrails

    assert response.url == address(project, "deployment")
    assert [(rule.kind, rule.action) for rule in guardrails.input] == [
        ("pii", "mask"), ("prompt-injection", "block"), ("topic", "block"),
    ]  # fmt: skip
    assert guardrails.input[2].words == ("salaries", "mergers")
    assert [(rule.kind, rule.action) for rule in guardrails.output] == [("toxicity", "flag")]


def test_safety_keeps_what_it_has_no_field_for(
    owner: User, owner_client: Client, project: Project, endpoint: Endpoint
) -> None:
    change(
        project,
        owner,
        guardrails__input=[
            {"kind": "opea", "connection": "local"},
            {"kind": "pii", "action": "block", "message": "Not here."},
        ],
    )

    send(owner_client, project, "safety", {**RULES, "input_topic": "off", "topics": ""})

    assert saved(project).guardrails.input == (
        Guardrail(kind="pii", action="mask", message="Not here."),
        Guardrail(kind="prompt-injection", action="block"),
        Guardrail(kind="opea", connection="local"),
    )


def test_topics_without_words_are_refused(owner_client: Client, project: Project) -> None:
    response = send(owner_client, project, "safety", {**RULES, "topics": " , "})

    assert response.status_code == 422
    assert response.context["form"].errors["topics"]


@pytest.mark.parametrize("step", ["speech", "languages", "summary", "safety"])
def test_htmx_saves_without_leaving(owner_client: Client, project: Project, step: str) -> None:
    values = {
        "speech": {"voice": "alloy"},
        "languages": {"target": "German"},
        "summary": {"strategy": "refine", "words": "80"},
        "safety": RULES,
    }[step]

    response = send(owner_client, project, step, values, headers={"HX-Request": "true"})

    assert response.status_code == 200
    assert b"<html" not in response.content
    assert b"Saved" in response.content


def test_try_it_saves_builds_and_opens_the_sandbox(owner_client: Client, ready: Project) -> None:
    response = send(owner_client, ready, "parameters", PARAMETERS, go="try")

    assert response.url == reverse("sandboxes:sandbox", args=[ready.pk])
    assert ready.versions.get().spec["spec"]["parameters"]["top_k"] == 20


def test_try_it_is_offered_once_the_project_is_complete(
    owner_client: Client, project: Project, ready: Project
) -> None:
    shown = owner_client.get(address(ready, "parameters")).context
    assert not shown["blocked"]

    refused = send(
        owner_client,
        create_project(owner=project.owner, application="qna", title="X"),
        "parameters",
        PARAMETERS,
        go="try",
    )
    assert refused.status_code == 302
    assert refused.url.endswith("/wizard/review/")
