from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from apps.chat.models import ChatMessage, ChatSession
from apps.chat.queries import turns_before

Answered = Callable[..., ChatMessage]
HTMX = {"HX-Request": "true"}


def test_again_adds_a_reply_and_keeps_the_old_one(
    owner_client: Client, session: ChatSession, answered: Answered
) -> None:
    old = answered("Half", status="interrupted")

    answer = owner_client.post(f"/chat/messages/{old.pk}/again/", {"top_k": "3"}, headers=HTMX)

    old.refresh_from_db()
    new = session.messages.get(ordinal=2)
    assert answer.status_code == 200
    assert b"Earlier answer" in answer.content
    assert f"/chat/messages/{new.pk}/stream/".encode() in answer.content
    assert (old.superseded, old.content) == (True, "Half")
    assert (new.status, new.sampling) == ("pending", {"top_k": 3})
    assert [turn.content for turn in turns_before(session.pk, 2)] == ["How long is it?"]


def test_again_is_for_the_last_ended_reply_alone(owner_client: Client, answered: Answered) -> None:
    first = answered()
    answered()
    active = answered(status="streaming")

    for reply in (first, active):
        answer = owner_client.post(f"/chat/messages/{reply.pk}/again/", headers=HTMX)
        assert answer.status_code == 409


def test_value_out_of_range_is_422(owner_client: Client, answered: Answered) -> None:
    url = f"/chat/messages/{answered().pk}/again/"

    assert owner_client.post(url, {"top_k": "0"}, headers=HTMX).status_code == 422


def test_stranger_gets_404(stranger_client: Client, answered: Answered) -> None:
    assert stranger_client.post(f"/chat/messages/{answered().pk}/again/").status_code == 404


def test_wrong_method_is_405(owner_client: Client, answered: Answered) -> None:
    assert owner_client.get(f"/chat/messages/{answered().pk}/again/").status_code == 405
