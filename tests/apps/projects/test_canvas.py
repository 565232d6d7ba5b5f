"""The canvas: its page and document, saving, conflicts, the inspector and a node tried by itself."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import reverse

from apps.accounts.models import User
from apps.connections.models import Endpoint
from apps.projects.enums import Role
from apps.projects.models import Draft, Membership, Project
from apps.projects.queries import spec_of
from apps.projects.services import create_project
from tests.apps.projects.conftest import change
from tests.fakes.openai_server import FakeOpenAI

HTMX = {"HX-Request": "true"}
POSTS = ("canvas_save", "inspector", "run_node")


@pytest.fixture
def drawn(owner: User) -> Project:
    return create_project(owner=owner, application="custom", title="My flow")


def address(project: Project, name: str = "canvas") -> str:
    return reverse(f"projects:{name}", args=[project.pk])


def seen(client: Client, project: Project) -> str:
    found: str = client.get(address(project, "canvas_document")).json()["seen"]
    return found


def save(client: Client, project: Project, ops: Any, **values: Any) -> HttpResponse:
    body = {"seen": values.pop("seen", None) or seen(client, project), "ops": ops, **values}
    return client.post(address(project, "canvas_save"), body, content_type="application/json")


def node_of(project: Project, node_id: str) -> str:
    flow = spec_of(Draft.objects.get(pk=project.pk)).spec.flow
    assert flow is not None
    return next(node.model_dump_json() for node in flow.nodes if node.id == node_id)


def test_canvas_shows_the_flow_and_the_palette(owner_client: Client, drawn: Project) -> None:
    response = owner_client.get(address(drawn))

    document = response.context["document"]
    assert response.status_code == 200
    assert [node["id"] for node in document["nodes"]] == ["question", "prompt", "llm", "answer"]
    assert document["components"]["llm"]["inputs"] == [
        {"name": "messages", "type": "messages", "required": True}
    ]
    assert 'data-component="retriever"' in response.content.decode()


@pytest.mark.parametrize("name", ["canvas", "canvas_document"])
def test_canvas_is_not_shown_to_strangers(
    stranger_client: Client, drawn: Project, name: str
) -> None:
    assert stranger_client.get(address(drawn, name)).status_code == 404
    assert stranger_client.post(address(drawn, name)).status_code == 405


@pytest.mark.parametrize("name", POSTS)
def test_posts_of_the_canvas_refuse_strangers_and_get(
    stranger_client: Client, drawn: Project, name: str
) -> None:
    node = {"node": node_of(drawn, "llm")}
    assert stranger_client.post(address(drawn, name), node).status_code == 404
    assert stranger_client.get(address(drawn, name)).status_code == 405


def test_viewers_look_and_do_not_draw(
    teammate: User, teammate_client: Client, drawn: Project
) -> None:
    Membership.objects.create(project=drawn, user=teammate, role=Role.VIEWER)
    page = teammate_client.get(address(drawn))
    refused = save(teammate_client, drawn, [{"op": "remove", "id": "llm"}])
    tried = teammate_client.post(address(drawn, "run_node"), {"node": node_of(drawn, "llm")})

    assert page.context["document"]["editable"] is False
    assert (refused.status_code, tried.status_code) == (403, 403)
    assert (
        teammate_client.post(
            address(drawn, "inspector"), {"node": node_of(drawn, "llm"), "was": "llm"}
        ).context["editable"]
        is False
    )


def test_a_new_custom_project_begins_on_the_canvas(owner_client: Client) -> None:
    values = {"title": "Drawn", "application": "custom"}
    response = owner_client.post(reverse("projects:create"), values)

    assert response["Location"] == address(Project.objects.get())


def test_canvas_save_writes_the_operations_into_the_file(
    owner_client: Client, drawn: Project
) -> None:
    node = {"id": "second", "component": "llm", "title": "Second", "params": {"temperature": 1}}
    edge = {"from": "prompt.messages", "to": "second.messages"}
    ops = [{"op": "add", "node": node}, {"op": "connect", "edge": edge}]
    response = save(
        owner_client, drawn, [*ops, {"op": "move", "id": "llm", "to": {"x": 8, "y": 16}}]
    )

    draft = Draft.objects.get()
    spec = spec_of(draft).spec
    assert response.status_code == 200
    assert response.json()["revision"] == draft.revision == 2
    assert spec.flow is not None
    assert spec.flow.nodes[-1].params == {"temperature": 1}
    assert spec.layout["llm"].model_dump() == {"x": 8, "y": 16}
    assert "# The graph that answers" in draft.yaml


def test_a_flow_like_the_blueprint_is_not_written_down(
    owner_client: Client, ready: Project
) -> None:
    edge = {"from": "retriever.passages", "to": "answer.passages"}
    cut = save(owner_client, ready, [{"op": "disconnect", "edge": edge}])
    assert cut.json()["blueprint"] is False
    again = save(owner_client, ready, [{"op": "connect", "edge": edge}])

    assert again.json()["blueprint"] is True
    assert spec_of(Draft.objects.get()).spec.flow is None


def test_findings_stand_at_their_nodes_and_edges(owner_client: Client, drawn: Project) -> None:
    wrong = {"from": "question.question", "to": "answer.passages"}
    found = save(owner_client, drawn, [{"op": "connect", "edge": wrong}]).json()["findings"]

    by_code = {row["code"]: row for row in found}
    assert by_code["spec.flow.connection-missing"]["nodes"] == ["llm"]
    assert by_code["spec.edge.type-mismatch"]["edge"] == wrong


def test_canvas_document_is_the_page_s_own(owner_client: Client, drawn: Project) -> None:
    page = owner_client.get(address(drawn)).context["document"]

    assert owner_client.get(address(drawn, "canvas_document")).json() == page


def test_a_finding_about_a_setting_stands_at_the_nodes_that_inherit_it(
    owner: User, owner_client: Client, drawn: Project
) -> None:
    change(drawn, owner, model__connection="gone", model__name="m")
    found = owner_client.get(address(drawn, "canvas_document")).json()["findings"]

    assert [row["nodes"] for row in found if row["path"] == "spec.model.connection"] == [["llm"]]


def test_a_save_on_an_older_flow_shows_theirs_and_keeps_yours(
    owner_client: Client, drawn: Project
) -> None:
    before = seen(owner_client, drawn)
    save(owner_client, drawn, [{"op": "title", "id": "llm", "title": "Theirs"}])
    ops = [{"op": "title", "id": "llm", "title": "Yours"}]
    response = save(owner_client, drawn, ops, seen=before)

    titles = [node["title"] for node in response.json()["theirs"]["nodes"]]
    assert response.status_code == 409
    assert titles == ["", "", "Theirs", ""]
    kept = owner_client.get(address(drawn, "canvas_document")).json()["kept"]
    assert (kept["ops"], kept["by"]) == (ops, "owner")

    save(owner_client, drawn, ops, settled=True)
    assert owner_client.get(address(drawn, "canvas_document")).json()["kept"] is None


def test_edits_elsewhere_of_other_parts_are_no_conflict(
    owner: User, owner_client: Client, drawn: Project
) -> None:
    before = seen(owner_client, drawn)
    change(drawn, owner, deployment__port=9000)
    response = save(owner_client, drawn, [{"op": "title", "id": "llm", "title": "A"}], seen=before)

    spec = spec_of(Draft.objects.get()).spec
    assert response.status_code == 200
    assert spec.deployment.port == 9000
    assert spec.flow is not None
    assert spec.flow.nodes[2].title == "A"


@pytest.mark.parametrize(
    "ops",
    [
        [{"op": "remove", "id": "nobody"}],
        [{"op": "add", "node": {"id": "NOT AN ID", "component": "llm"}}],
        [{"op": "explode"}],
        "no list",
        None,
    ],
)
def test_operations_that_cannot_be_done_change_nothing(
    owner_client: Client, drawn: Project, ops: Any
) -> None:
    response = save(owner_client, drawn, ops)

    assert response.status_code == 422
    assert response.json()["error"]["code"] == "spec.refused"
    assert Draft.objects.get().revision == 1


@pytest.mark.parametrize("body", ["", "[]", "{", "[" * 100_000, "\0", '{"seen": 1}'])
def test_bodies_that_are_no_json_of_the_canvas_are_refused(
    owner_client: Client, drawn: Project, body: str
) -> None:
    response = owner_client.post(
        address(drawn, "canvas_save"), body, content_type="application/json"
    )

    assert response.status_code == 422


# The inspector ------------------------------------------------------------------------------------


def inspect(client: Client, project: Project, node: dict[str, Any], **fields: Any) -> HttpResponse:
    values = {"node": json.dumps(node), "was": node["id"], **fields}
    return client.post(address(project, "inspector"), values, headers=HTMX)


LLM: dict[str, Any] = {"id": "llm", "component": "llm", "title": "", "params": {}}
TYPED = {
    "filled": "1",
    "id": "llm",
    "title": "",
    "p-server": "builtin",
    "p-model": "extractive",
    "p-temperature": "0.2",
    "p-top_p": "0.9",
    "p-top_k": "40",
    "p-max_tokens": "512",
}


def told(response: HttpResponse) -> Any:
    return json.loads(response["HX-Trigger"])["canvas:node"]


def test_inspector_shows_what_is_inherited(owner_client: Client, drawn: Project) -> None:
    response = inspect(owner_client, drawn, {**LLM, "params": {"temperature": 1.5}})

    text = response.content.decode()
    rows = {row["parameter"].name: row for row in response.context["rows"]}
    assert response.status_code == 200
    assert (rows["temperature"]["own"], rows["temperature"]["field"].value()) == (True, 1.5)
    assert (rows["top_k"]["own"], rows["top_k"]["field"].value()) == (False, 40)
    assert "Inherited from project" in text
    assert "HX-Trigger" not in response


def test_inspector_sets_only_what_differs_from_the_project(
    owner_client: Client, drawn: Project
) -> None:
    response = inspect(owner_client, drawn, LLM, **{**TYPED, "p-temperature": "1"})

    assert told(response) == {"was": "llm", "node": {**LLM, "params": {"temperature": 1}}}


def test_inspector_resets_a_value_to_the_project(owner_client: Client, drawn: Project) -> None:
    node = {**LLM, "params": {"temperature": 1.5, "top_k": 5}}
    response = inspect(owner_client, drawn, node, **TYPED, reset="temperature")

    assert told(response)["node"]["params"] == {"top_k": 5}


def test_inspector_proposes_the_models_of_the_connection(
    owner_client: Client, drawn: Project, endpoint: Endpoint
) -> None:
    response = inspect(owner_client, drawn, {**LLM, "params": {"server": endpoint.name}})

    assert list(response.context["form"].served()) == ["llama", "qwen"]
    assert '<option value="qwen">' in response.content.decode()


def test_inspector_refuses_values_out_of_range(owner_client: Client, drawn: Project) -> None:
    response = inspect(owner_client, drawn, LLM, **{**TYPED, "p-temperature": "9"})

    assert response.status_code == 422
    assert "Temperature must be at most 2, not 9." in response.content.decode()
    assert "HX-Trigger" not in response


def test_inspector_renames_and_keeps_ids_apart(owner_client: Client, drawn: Project) -> None:
    renamed = inspect(owner_client, drawn, LLM, **{**TYPED, "id": "writer"})
    taken = inspect(owner_client, drawn, LLM, **{**TYPED, "id": "prompt"}, taken="prompt answer")

    assert told(renamed)["was"] == "llm"
    assert told(renamed)["node"]["id"] == "writer"
    assert taken.status_code == 422


@pytest.mark.parametrize("node", ["", "{}", '{"id": "x", "component": "no-such"}'])
def test_inspector_refuses_what_is_no_node(owner_client: Client, drawn: Project, node: str) -> None:
    response = owner_client.post(address(drawn, "inspector"), {"node": node}, headers=HTMX)

    assert response.status_code == 422


# One node by itself -------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
async def test_run_node_shows_what_went_in_and_out(
    owner: User, drawn: Project, openai_server: FakeOpenAI
) -> None:
    await Endpoint.objects.acreate(
        owner=owner, name="fake", title="Fake", base_url=openai_server.url, model_names=["m"]
    )
    client = AsyncClient()
    await client.aforce_login(owner)
    node = {**LLM, "params": {"server": "fake", "model": "m"}}
    values = {"node": json.dumps(node), "in-messages": "How are you?"}
    response = await client.post(address(drawn, "run_node"), values, headers=HTMX)

    shown = response.context["shown"]
    trigger = json.loads(response["HX-Trigger"])["canvas:ran"]
    assert response.status_code == 200
    assert [name for name, _ in shown["in"]] == ["messages"]
    assert dict(shown["out"])["answer"] != ""
    assert trigger["id"] == "llm"
    assert trigger["tokens"] > 0


@pytest.mark.django_db(transaction=True)
async def test_run_node_says_what_is_missing(owner: User, drawn: Project) -> None:
    client = AsyncClient()
    await client.aforce_login(owner)
    prompt = {"id": "prompt", "component": "prompt"}
    empty = await client.post(address(drawn, "run_node"), {"node": json.dumps(prompt)})
    unwired = await client.post(
        address(drawn, "run_node"), {"node": json.dumps(LLM), "in-messages": "Hello"}
    )

    assert empty.status_code == 422
    assert "This input is needed." in empty.content.decode()
    assert unwired.status_code == 422
    assert unwired.context["error"] != ""


@pytest.mark.parametrize(
    ("word", "components"),
    [
        ("redis", {"vector-store-redis"}),
        ("qdrant", {"vector-store-qdrant"}),
        ("milvus", {"vector-store-milvus"}),
        ("pgvector", {"vector-store-pgvector"}),
        ("vector", {f"vector-store-{k}" for k in ("embedded", "pgvector", "redis", "qdrant", "milvus")}),
        ("embedding", {"embedding"}),
        ("document", {"dataprep", "document-reader"}),
        ("opea", {"retriever-opea"}),
    ],
)  # fmt: skip
def test_the_palette_finds_by_name(
    owner_client: Client, project: Project, word: str, components: set[str]
) -> None:
    text = owner_client.get(reverse("projects:canvas", args=[project.pk])).content.decode()
    rows = re.findall(r'data-component="([^"]+)" data-name="([^"]+)"', text)

    assert {name for name, words in rows if word in words} == components
