"""What changed between two flows, as a canvas draws it."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.projects.domain.canvas_compare import compared, same_flow, shown
from apps.projects.models import Project
from apps.projects.queries import spec_of
from apps.projects.services import save_draft
from apps.projects.version_services import build_version
from tests.apps.projects.conftest import change
from tests.apps.projects.test_canvas_domain import custom, done


def test_added_removed_and_changed_are_marked() -> None:
    old = custom()
    new = done(
        {"op": "remove", "id": "answer"},
        {"op": "set", "id": "llm", "name": "top_k", "value": 5},
        {"op": "add", "node": {"id": "second", "component": "llm"}},
        {"op": "connect", "edge": {"from": "prompt.messages", "to": "second.messages"}},
    )
    drawing = compared(old, new)

    assert drawing["marks"] == {
        "nodes": {
            "llm": {"mark": "changed", "notes": ["llm.top_k set to 5."]},
            "second": {"mark": "added", "notes": []},
            "answer": {"mark": "removed", "notes": []},
        },
        "edges": {
            "prompt.messages > second.messages": "added",
            "llm.answer > answer.answer": "removed",
        },
    }
    assert [row["id"] for row in drawing["nodes"]][-1] == "answer"
    assert drawing["edges"][-1] == {"from": "llm.answer", "to": "answer.answer"}
    assert drawing["editable"] is False


def test_a_renamed_node_is_changed_and_its_edges_are_not() -> None:
    drawing = compared(custom(), done({"op": "rename", "id": "llm", "to": "writer"}))

    assert drawing["marks"] == {
        "nodes": {"writer": {"mark": "changed", "notes": ["Renamed from llm."]}},
        "edges": {},
    }
    assert [row["id"] for row in drawing["nodes"]] == ["question", "prompt", "writer", "answer"]


def test_where_nodes_stand_is_no_change() -> None:
    moved = done({"op": "move", "id": "llm", "to": {"x": 8, "y": 8}})

    assert same_flow(custom(), moved)
    assert compared(custom(), moved)["marks"] == {"nodes": {}, "edges": {}}
    assert shown(moved)["layout"] == {"llm": {"x": 8, "y": 8}}


def test_versions_are_drawn_with_what_changed(
    owner: User, owner_client: Client, ready: Project
) -> None:
    build_version(project=ready, by=owner)
    change(ready, owner, model__connection="builtin", parameters__top_k=7)
    spec = done({"op": "title", "id": "extractive", "title": "Quotes"}, spec=spec_of(ready.draft))
    save_draft(project=ready, spec=spec, base_revision=ready.draft.revision, by=owner)
    build_version(project=ready, by=owner)
    page = owner_client.get(reverse("projects:versions", args=[ready.pk]), {"old": 1, "new": 2})
    one = owner_client.get(reverse("projects:version", args=[ready.pk, 2]))

    assert page.context["drawing"]["marks"]["nodes"] == {
        "extractive": {"mark": "changed", "notes": ["Node extractive is titled “Quotes”."]}
    }
    assert 'data-canvas-view="drawing-document"' in page.content.decode()
    assert len(one.context["drawing"]["nodes"]) == 4
