"""The wizard: every step saves itself, keeps what does not fit, and notices other people's edits."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.connections.models import Endpoint
from apps.knowledge.models import Collection
from apps.projects.domain.ops import digest
from apps.projects.domain.steps import SLUGS, STEPS
from apps.projects.models import Draft, Project
from apps.projects.queries import spec_of
from apps.projects.services import create_project
from tests.apps.projects.conftest import change

HTMX = {"HX-Request": "true"}
PARAMETERS = {
    "temperature": "0.5",
    "top_p": "0.8",
    "top_k": "20",
    "max_tokens": "300",
    "instruction": "Be brief.",
}


def address(project: Project, step: str) -> str:
    return reverse("projects:wizard", args=[project.pk, step])


def seen(project: Project, step: str) -> str:
    parts = STEPS[SLUGS.index(step)].parts
    return digest(spec_of(Draft.objects.get(pk=project.pk)), parts)


def send(client: Client, project: Project, step: str, values: dict, go: str = "next", **extra):
    data = {"seen": seen(project, step), "go": go} | values
    return client.post(address(project, step), data, **extra)


def saved(project: Project):
    return spec_of(Draft.objects.get(pk=project.pk)).spec


@pytest.mark.parametrize("step", SLUGS)
def test_step_is_shown(owner_client: Client, ready: Project, endpoint: Endpoint, step: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = owner_client.get(address(ready, step))

    assert response.status_code == 200
    assert len(queries) < 15


@pytest.mark.parametrize("step", SLUGS)
def test_step_needs_the_same_queries_for_any_number_of_things(
    owner: User, owner_client: Client, ready: Project, step: str
) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            owner_client.get(address(ready, step))
        return len(queries)

    count()
    before = count()
    for number in range(3):
        Collection.objects.create(owner=owner, name=f"c{number}", title="C")
        Endpoint.objects.create(owner=owner, name=f"e{number}", title="E", base_url="http://x/v1")

    assert count() == before


def test_step_that_does_not_exist(owner_client: Client, project: Project) -> None:
    assert owner_client.get(address(project, "nothing")).status_code == 404


@pytest.mark.parametrize("step", SLUGS)
def test_strangers_find_nothing(stranger_client: Client, project: Project, step: str) -> None:
    assert stranger_client.get(address(project, step)).status_code == 404
    assert stranger_client.post(address(project, step)).status_code == 404


def test_wrong_method(owner_client: Client, project: Project) -> None:
    assert owner_client.put(address(project, "model")).status_code == 405


def test_next_saves_and_goes_on(owner_client: Client, project: Project) -> None:
    response = send(owner_client, project, "parameters", PARAMETERS)

    assert (response.status_code, response.url) == (302, address(project, "knowledge"))
    assert saved(project).parameters.top_k == 20
    assert saved(project).instruction == "Be brief."


def test_comments_of_the_file_survive_the_wizard(owner_client: Client, project: Project) -> None:
    send(owner_client, project, "parameters", PARAMETERS)

    assert "# 0 to 2; 0 gives the same answer every time" in Draft.objects.get().yaml


def test_steps_cover_the_whole_walk(
    owner_client: Client, project: Project, collection: Collection, endpoint: Endpoint
) -> None:
    walk = {
        "application": {"title": "Helpdesk", "description": "D", "application": "qna"},
        "model": {"connection": "local", "model_local": "qwen"},
        "parameters": PARAMETERS,
        "knowledge": {
            "collections": ["handbook"], "size": "800", "overlap": "120", "mode": "dense", "k": "9",
        },
        "deployment": {
            "os": "rhel-9", "location": "edge", "topology": "cluster", "formats": ["compose"],
            "api": "on", "include": "documents", "cpus": "4", "memory_mb": "4096", "replicas": "3",
            "port": "9000",
        },
    }  # fmt: skip
    for step, values in walk.items():
        assert send(owner_client, project, step, values).status_code == 302
    made = saved(project)
    page = owner_client.get(address(project, "review"))

    assert (made.model.connection, made.model.name) == ("local", "qwen")
    assert (made.knowledge.retrieve.mode, made.knowledge.retrieve.k) == ("dense", 9)
    assert (made.deployment.os, made.deployment.features.uploads) == ("rhel-9", False)
    assert page.context["blocked"] is False
    assert "qwen at local" in page.content.decode()


def test_saving_by_itself_answers_with_fragments(owner_client: Client, project: Project) -> None:
    response = send(owner_client, project, "parameters", PARAMETERS, go="", headers=HTMX)

    text = response.content.decode()
    assert "<html" not in text
    assert 'id="saved"' in text
    assert 'id="preview"' in text
    assert f'value="{seen(project, "parameters")}"' in text
    assert saved(project).parameters.top_k == 20


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("temperature", "3", "It must be from 0 to 2."),
        ("top_p", "0", "It must be more than 0 and at most 1."),
        ("top_p", "0.001", ""),
        ("top_k", "x", "Enter a whole number."),
        ("max_tokens", "", "This field is required."),
        ("instruction", "x" * 20_001, "at most 20000 characters"),
    ],
)
def test_value_that_does_not_fit_is_said_and_kept(
    owner_client: Client, project: Project, field: str, value: str, message: str
) -> None:
    response = send(owner_client, project, "parameters", PARAMETERS | {field: value})
    if not message:
        assert response.status_code == 302
        return

    assert response.status_code == 422
    assert message in response.content.decode()
    assert saved(project).parameters.top_k == 40
    again = owner_client.get(address(project, "parameters"))
    assert again.context["form"][field].value() == value
    assert again.context["form"]["instruction"].value() is not None


def test_back_keeps_what_does_not_fit(owner_client: Client, project: Project) -> None:
    values = PARAMETERS | {"top_k": "many"}
    response = send(owner_client, project, "parameters", values, go="model")

    assert response.url == address(project, "model")
    assert owner_client.get(response.url).context["steps"][2].problems == 1
    assert (
        owner_client.get(address(project, "parameters")).context["form"]["top_k"].value() == "many"
    )

    send(owner_client, project, "parameters", PARAMETERS)
    assert Draft.objects.get().unfit_input == {}


def test_steps_can_be_taken_in_any_order(owner_client: Client, project: Project) -> None:
    response = send(owner_client, project, "parameters", PARAMETERS, go="deployment")

    assert response.url == address(project, "deployment")


def test_coming_back_goes_on_at_the_furthest_step(owner_client: Client, project: Project) -> None:
    send(owner_client, project, "parameters", PARAMETERS)
    owner_client.get(address(project, "application"))

    page = owner_client.get(reverse("projects:overview", args=[project.pk]))
    assert address(project, "knowledge") in page.content.decode()


def test_application_that_does_not_exist_cannot_be_chosen(
    owner_client: Client, project: Project
) -> None:
    values = {"title": "T", "application": "poetry"}
    response = send(owner_client, project, "application", values)

    assert response.status_code == 422
    assert saved(project).application == "qna"


def test_title_is_needed(owner_client: Client, project: Project) -> None:
    response = send(owner_client, project, "application", {"title": " ", "application": "qna"})

    assert response.status_code == 422


def test_unknown_connection_is_refused(owner_client: Client, project: Project) -> None:
    assert send(owner_client, project, "model", {"connection": "nothing"}).status_code == 422


def test_connection_that_is_gone_stays_visible(
    owner: User, owner_client: Client, project: Project
) -> None:
    change(project, owner, model={"connection": "gone", "name": "x"})
    page = owner_client.get(address(project, "model"))

    assert "there is no such connection" in page.content.decode()


def test_model_must_be_chosen(owner: User, owner_client: Client, project: Project) -> None:
    Endpoint.objects.create(owner=owner, name="untested", title="U", base_url="http://x/v1")
    values = {"connection": "untested", "model_untested": ""}
    response = send(owner_client, project, "model", values)

    assert response.status_code == 422
    assert "Choose the model that answers." in response.content.decode()


def test_new_connection_is_chosen_on_return(
    owner_client: Client, project: Project, endpoint: Endpoint
) -> None:
    page = owner_client.get(address(project, "model"), {"choose": "local"})

    assert page.context["form"]["connection"].value() == "local"
    assert 'hx-trigger="load, change' in page.content.decode()


def test_connections_of_others_are_not_offered(
    stranger: User, owner_client: Client, project: Project
) -> None:
    Endpoint.objects.create(owner=stranger, name="theirs", title="Theirs", base_url="http://x/v1")

    assert "Theirs" not in owner_client.get(address(project, "model")).content.decode()


def test_overlap_must_be_smaller_than_the_chunk(
    owner_client: Client, project: Project, collection: Collection
) -> None:
    values = {"collections": [], "size": "200", "overlap": "200", "mode": "hybrid", "k": "6"}
    response = send(owner_client, project, "knowledge", values)

    assert response.status_code == 422
    assert "must be smaller than the chunk size (200)" in response.content.decode()


def test_collections_keep_their_order(
    owner: User, owner_client: Client, project: Project, collection: Collection
) -> None:
    Collection.objects.create(owner=owner, name="a-first", title="A")
    change(project, owner, knowledge__collections=["handbook"])
    values = {"size": "800", "overlap": "120", "mode": "hybrid", "k": "6"}
    send(owner_client, project, "knowledge", values | {"collections": ["a-first", "handbook"]})

    assert saved(project).knowledge.collections == ("handbook", "a-first")


def test_edit_of_another_step_meanwhile_is_no_conflict(
    owner: User, owner_client: Client, project: Project
) -> None:
    data = {"seen": seen(project, "parameters"), "go": "next"} | PARAMETERS
    change(project, owner, deployment__port=9000)
    response = owner_client.post(address(project, "parameters"), data)

    assert response.status_code == 302
    assert (saved(project).deployment.port, saved(project).parameters.top_k) == (9000, 20)


def test_edit_of_the_same_step_meanwhile_shows_both_sides(
    owner: User, owner_client: Client, project: Project
) -> None:
    data = {"seen": seen(project, "parameters"), "go": "next"} | PARAMETERS
    change(project, owner, parameters__top_k=99)
    response = owner_client.post(address(project, "parameters"), data)

    text = response.content.decode()
    assert response.status_code == 409
    assert "Top-k changed from 99 to 20." in text
    assert saved(project).parameters.top_k == 99

    kept = owner_client.post(
        address(project, "parameters"), data | {"seen": response.context["seen"]}
    )
    assert (kept.status_code, saved(project).parameters.top_k) == (302, 20)


def test_edit_of_the_same_step_meanwhile_is_told_while_typing(
    owner: User, owner_client: Client, project: Project
) -> None:
    data = {"seen": seen(project, "parameters")} | PARAMETERS
    change(project, owner, parameters__top_k=99)
    response = owner_client.post(address(project, "parameters"), data, headers=HTMX)

    assert "Changed somewhere else" in response.content.decode()
    assert saved(project).parameters.top_k == 99


def test_administrator_edits_with_the_owners_things(
    admin_client: Client, project: Project, collection: Collection
) -> None:
    page = admin_client.get(address(project, "knowledge"))

    assert "Handbook" in page.content.decode()


def test_counts_of_collections_follow_an_upload(
    owner: User, owner_client: Client, project: Project
) -> None:
    Collection.objects.create(owner=owner, name="handbook", title="Handbook")

    text = owner_client.get(address(project, "knowledge")).content.decode()

    assert 'hx-select-oob="#ready-handbook"' in text
    assert '<span id="ready-handbook"' in text


def test_review_leads_to_the_step_that_mends(owner_client: Client, project: Project) -> None:
    page = owner_client.get(address(project, "review"))

    assert page.context["blocked"] is True
    assert address(project, "knowledge") in page.content.decode()


def test_review_names_the_application_by_its_title(owner_client: Client, project: Project) -> None:
    page = owner_client.get(address(project, "review"))

    assert '<dt>Application</dt><dd class="whitespace-pre-line">QnA</dd>' in page.content.decode()


def test_review_is_not_posted_to(owner_client: Client, project: Project) -> None:
    assert owner_client.post(address(project, "review")).status_code == 404


# collect: projects:collect


def test_a_collection_that_the_file_names_already_is_listed_once(
    owner: User, owner_client: Client, project: Project
) -> None:
    change(project, owner, knowledge__collections=["flowise-qna"])
    owner_client.post(reverse("projects:collect", args=[project.pk]), {"title": "Flowise qna"})

    assert saved(project).knowledge.collections == ("flowise-qna",)
    assert Collection.objects.get().name == "flowise-qna"


def test_collect_makes_a_collection_and_adds_it(owner_client: Client, project: Project) -> None:
    response = owner_client.post(
        reverse("projects:collect", args=[project.pk]), {"title": "Rules & forms"}
    )

    row = Collection.objects.get()
    assert (row.name, row.title, row.chunk_size) == ("rules-forms", "Rules & forms", 800)
    assert saved(project).knowledge.collections == ("rules-forms",)
    assert response.url == f"{address(project, 'knowledge')}?open=rules-forms#add-documents"
    page = owner_client.get(response.url)
    assert reverse("knowledge:upload", args=[row.pk]) in page.content.decode()


def test_collect_of_a_stranger(stranger_client: Client, project: Project) -> None:
    url = reverse("projects:collect", args=[project.pk])

    assert stranger_client.post(url, {"title": "X"}).status_code == 404
    assert Collection.objects.count() == 0


def test_collect_only_answers_post(owner_client: Client, project: Project) -> None:
    assert owner_client.get(reverse("projects:collect", args=[project.pk])).status_code == 405


def test_projects_of_two_owners_do_not_mix(
    stranger: User, owner_client: Client, project: Project
) -> None:
    other = create_project(owner=stranger, application="qna", title="Other")

    assert owner_client.get(address(other, "model")).status_code == 404


def test_a_step_opened_for_the_first_time_hints_and_does_not_scold(
    owner_client: Client, project: Project
) -> None:
    newcomer = owner_client.get(address(project, "knowledge"))
    owner_client.get(address(project, "review"))
    returned = owner_client.get(address(project, "knowledge"))

    assert [one.severity for one in newcomer.context["step_findings"]] == ["error"]
    assert "field-error" not in newcomer.content.decode()
    assert "field-error" in returned.content.decode()
