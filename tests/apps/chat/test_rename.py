from __future__ import annotations

from django.test import Client

from apps.chat.models import ChatSession

HTMX = {"HX-Request": "true"}


def test_rename_stores_the_name(owner_client: Client, session: ChatSession) -> None:
    answer = owner_client.post(f"/chat/{session.pk}/rename/", {"rename-title": " Notice "})

    session.refresh_from_db()
    assert (answer.status_code, session.title) == (302, "Notice")


def test_empty_name_is_422(owner_client: Client, session: ChatSession) -> None:
    answer = owner_client.post(f"/chat/{session.pk}/rename/", {"rename-title": " "})

    assert answer.status_code == 422


def test_page_and_fragment(owner_client: Client, session: ChatSession) -> None:
    assert b"<html" in owner_client.get(f"/chat/{session.pk}/rename/").content
    assert b"<html" not in owner_client.get(f"/chat/{session.pk}/rename/", headers=HTMX).content


def test_stranger_gets_404(stranger_client: Client, session: ChatSession) -> None:
    assert stranger_client.post(f"/chat/{session.pk}/rename/", {"title": "x"}).status_code == 404


def test_wrong_method_is_405(owner_client: Client, session: ChatSession) -> None:
    assert owner_client.put(f"/chat/{session.pk}/rename/").status_code == 405
