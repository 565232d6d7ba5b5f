"""One message as a fragment (chat:message), and earlier ones (chat:older)."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from apps.chat.models import ChatMessage, ChatSession

Answered = Callable[..., ChatMessage]


def test_message_is_shown_as_it_is_now(owner_client: Client, answered: Answered) -> None:
    reply = answered("Three months.")

    assert b"Three months." in owner_client.get(f"/chat/messages/{reply.pk}/").content


def test_active_reply_names_its_stream_behind_the_saved_text(
    owner_client: Client, answered: Answered
) -> None:
    reply = answered("Three", status="streaming")

    html = owner_client.get(f"/chat/messages/{reply.pk}/").content.decode()

    assert f'data-src="/chat/messages/{reply.pk}/stream/?after=5"' in html
    assert '<div class="chat-streamed prose" data-text>Three</div>' in html
    assert "http-equiv" not in html


def test_a_failed_reply_has_nothing_to_rate(owner_client: Client, answered: Answered) -> None:
    good, failed = answered("Three months."), answered("", status="failed")

    pages = [
        owner_client.get(f"/chat/messages/{row.pk}/").content.decode() for row in (good, failed)
    ]

    assert ["Good answer" in page for page in pages] == [True, False]


def test_older_messages_come_before_the_first_shown(
    owner_client: Client, session: ChatSession, answered: Answered
) -> None:
    for number in range(3):
        answered(f"Answer {number}.")

    html = owner_client.get(f"/chat/{session.pk}/older/", {"before": 4}).content.decode()

    assert "Answer 1." in html
    assert "Answer 2." not in html
    assert "Ask again" not in html
    assert owner_client.get(f"/chat/{session.pk}/older/", {"before": "x"}).status_code == 404


def test_stranger_gets_404(
    stranger_client: Client, session: ChatSession, answered: Answered
) -> None:
    reply = answered()

    assert stranger_client.get(f"/chat/messages/{reply.pk}/").status_code == 404
    assert stranger_client.get(f"/chat/{session.pk}/older/", {"before": 1}).status_code == 404


def test_wrong_method_is_405(
    owner_client: Client, session: ChatSession, answered: Answered
) -> None:
    assert owner_client.post(f"/chat/messages/{answered().pk}/").status_code == 405
    assert owner_client.post(f"/chat/{session.pk}/older/").status_code == 405


def test_an_answer_that_was_cut_says_so(owner_client: Client, answered: Answered) -> None:
    cut = answered("Three", usage={"finish_reason": "length"})
    whole = answered("Three months.", usage={"finish_reason": "stop"})

    html = owner_client.get(f"/chat/messages/{cut.pk}/").content.decode()
    other = owner_client.get(f"/chat/messages/{whole.pk}/").content.decode()

    assert html.count("longest length allowed") == 1
    assert "longest length allowed" not in other
