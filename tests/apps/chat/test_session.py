from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.chat.models import ChatMessage, ChatSession

Answered = Callable[..., ChatMessage]
HTMX = {"HX-Request": "true"}


def _page(client: Client, session: ChatSession, **options: object) -> str:
    """The studio shows a version's conversations in its sandbox, to which the chat's page leads."""
    answer = client.get(session.get_absolute_url(), follow=True, **options)
    assert answer.status_code == 200
    return answer.content.decode()


def test_session_leads_to_the_page_of_its_application(
    owner_client: Client, session: ChatSession, project
) -> None:
    answer = owner_client.get(session.get_absolute_url())

    assert answer.status_code == 302
    assert answer["Location"] == f"/projects/{project.pk}/sandbox/?version=1&session={session.pk}"


def test_session_shows_its_messages(
    owner_client: Client, session: ChatSession, answered: Answered
) -> None:
    answered("Three **months**.", usage={"duration_ms": 1200})

    html = _page(owner_client, session)

    assert "How long is it?" in html
    assert "Three <strong>months</strong>." in html
    assert html.count("Ask again") == 1


def test_session_shows_markup_as_text(
    owner_client: Client, session: ChatSession, answered: Answered
) -> None:
    answered("<svg onload=alert(1)><img src=x onerror=alert(2)> [x](javascript:alert(3))")

    html = _page(owner_client, session)

    assert "<svg onload" not in html
    assert "<img src=x" not in html
    assert 'href="javascript:' not in html


def test_citations_are_buttons_where_there_is_a_passage(
    owner_client: Client, session: ChatSession, answered: Answered, citations: list
) -> None:
    reply = answered("It is three months [1], or so [2]. `a[1]`", citations=citations)

    html = _page(owner_client, session)

    assert html.count('class="citation"') == 1
    assert f'hx-get="/chat/messages/{reply.pk}/citations/1/"' in html
    assert "or so [2]" in html
    assert "a[1]" in html
    assert "Source 1: handbook.md, page 3, Leaving" in html


def test_interrupted_reply_says_so_and_offers_to_ask_again(
    owner_client: Client, session: ChatSession, answered: Answered
) -> None:
    answered("Half an ans", status="interrupted", error_message="The server was restarted.")

    html = _page(owner_client, session)

    assert "Half an ans" in html
    assert "The server was restarted." in html
    assert "Ask again" in html


def test_answer_without_a_model_is_labelled(
    owner_client: Client, session: ChatSession, answered: Answered
) -> None:
    answered(generated=False)

    assert "Quotes from your documents; no language model connected" in _page(owner_client, session)


def test_page_without_a_script_looks_again_while_a_reply_is_written(
    owner_client: Client, session: ChatSession, answered: Answered
) -> None:
    answered("Three", status="streaming")

    assert _page(owner_client, session).count('<noscript><meta http-equiv="refresh"') == 1


def test_long_conversation_begins_with_its_last_messages(
    owner_client: Client, session: ChatSession, answered: Answered
) -> None:
    for number in range(20):
        answered(f"Answer number {number:02}.")

    html = _page(owner_client, session)

    assert "Answer number 19." in html
    assert "Answer number 03." not in html
    assert "Earlier messages" in html


def test_same_queries_for_one_and_three_questions(
    owner_client: Client, session: ChatSession, answered: Answered
) -> None:
    answered()
    _page(owner_client, session)
    url = owner_client.get(session.get_absolute_url())["Location"]

    with CaptureQueriesContext(connection) as one:
        owner_client.get(url)
    answered()
    answered()
    with CaptureQueriesContext(connection) as three:
        owner_client.get(url)

    assert len(one) == len(three)
    assert len(one) < 15


def test_fragment_for_htmx(owner_client: Client, session: ChatSession, project) -> None:
    url = f"/projects/{project.pk}/sandbox/?session={session.pk}"

    assert b"<html" not in owner_client.get(url, headers=HTMX).content
    assert b"<html" in owner_client.get(url).content


def test_stranger_gets_404(stranger_client: Client, session: ChatSession) -> None:
    assert stranger_client.get(session.get_absolute_url()).status_code == 404


def test_administrator_does_not_read_conversations_of_others(
    admin_client: Client, session: ChatSession
) -> None:
    assert admin_client.get(session.get_absolute_url()).status_code == 404


def test_wrong_method_is_405(owner_client: Client, session: ChatSession) -> None:
    assert owner_client.post(session.get_absolute_url()).status_code == 405
