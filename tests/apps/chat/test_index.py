from __future__ import annotations

from django.test import Client

from apps.chat.models import ChatSession
from apps.projects.models import SpecVersion

HTMX = {"HX-Request": "true"}


def test_index_without_applications_says_what_to_do(owner_client: Client) -> None:
    assert b"Nothing to talk to yet" in owner_client.get("/chat/").content


def test_index_leads_to_the_only_application(owner_client: Client, version: SpecVersion) -> None:
    answer = owner_client.get("/chat/")

    assert answer["Location"] == f"/projects/{version.project_id}/sandbox/?version=1"


def test_index_of_a_named_application(owner_client: Client, version: SpecVersion) -> None:
    answer = owner_client.get("/chat/", {"app": version.app_key})

    assert answer["Location"].startswith(f"/projects/{version.project_id}/sandbox/")


def test_stranger_sees_nothing_of_others(
    stranger_client: Client, version: SpecVersion, session: ChatSession
) -> None:
    assert b"Helpdesk" not in stranger_client.get("/chat/").content
    assert stranger_client.get("/chat/", {"app": version.app_key}).status_code == 404


def test_fragment_for_htmx(owner_client: Client) -> None:
    assert b"<html" not in owner_client.get("/chat/", headers=HTMX).content


def test_wrong_method_is_405(owner_client: Client) -> None:
    assert owner_client.post("/chat/").status_code == 405
