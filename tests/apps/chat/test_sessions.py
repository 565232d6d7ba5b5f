from __future__ import annotations

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.chat.models import ChatSession


def _make(owner: User, session: ChatSession, count: int) -> None:
    ChatSession.objects.bulk_create(
        ChatSession(owner=owner, app_key=session.app_key, title=f"Talk {number:02}")
        for number in range(count)
    )


def test_sessions_are_searched(owner_client: Client, owner: User, session: ChatSession) -> None:
    _make(owner, session, 3)

    found = owner_client.get("/chat/sessions/", {"app": session.app_key, "q": "talk 02"})
    none = owner_client.get("/chat/sessions/", {"app": session.app_key, "q": "nothing"})

    assert found.content.count(b"<li>") == 1
    assert b"No conversation is called so." in none.content


def test_sessions_are_paginated(owner_client: Client, owner: User, session: ChatSession) -> None:
    _make(owner, session, 40)

    first = owner_client.get("/chat/sessions/", {"app": session.app_key})
    second = owner_client.get("/chat/sessions/", {"app": session.app_key, "page": 2})

    assert first.content.count(b"<li>") == 30
    assert b"Older" in first.content
    assert second.content.count(b"<li>") == 11


def test_same_queries_for_one_and_three(
    owner_client: Client, owner: User, session: ChatSession
) -> None:
    with CaptureQueriesContext(connection) as one:
        owner_client.get("/chat/sessions/", {"app": session.app_key})
    _make(owner, session, 2)
    with CaptureQueriesContext(connection) as three:
        owner_client.get("/chat/sessions/", {"app": session.app_key})

    assert len(one) == len(three)


def test_stranger_gets_404(stranger_client: Client, session: ChatSession) -> None:
    assert stranger_client.get("/chat/sessions/", {"app": session.app_key}).status_code == 404


def test_wrong_method_is_405(owner_client: Client) -> None:
    assert owner_client.post("/chat/sessions/").status_code == 405
