"""Asking: the same answer by the short way and by Django's, and every refusal by Django's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

from apps.accounts.models import User
from apps.chat import quick_views
from apps.chat.models import ChatSession
from tests.apps.chat.serving import Browser, text_of

HTMX = {"HX-Request": "true"}


@pytest.fixture(params=["quick", "django"])
def way(request: pytest.FixtureRequest, settings: SettingsWrapper) -> Iterator[str]:
    """A middleware that the short way does not know switches it off."""
    if request.param == "django":
        settings.MIDDLEWARE = [
            *settings.MIDDLEWARE,
            "django.middleware.http.ConditionalGetMiddleware",
        ]
    quick_views.available.cache_clear()
    yield request.param
    quick_views.available.cache_clear()


def _send(browser: Browser, session: ChatSession, **options: object):
    data = options.pop("data", {"text": "Hello there"})
    return browser.http.post(f"/chat/{session.pk}/send/", data=data, **options)


def test_send_stores_question_and_pending_reply(
    way: str, browser: Browser, session: ChatSession
) -> None:
    assert quick_views.available() == (way == "quick")

    answer = _send(browser, session, data={"text": " Hello <b>there</b> ", "temperature": "0.7"})

    question, reply = session.messages.order_by("ordinal")
    assert answer.status_code == 200
    assert (question.role, question.status, question.content) == (
        "user",
        "complete",
        "Hello <b>there</b>",
    )
    assert (reply.role, reply.status, reply.sampling) == (
        "assistant",
        "pending",
        {"temperature": 0.7},
    )
    assert "Hello &lt;b&gt;there&lt;/b&gt;" in answer.text
    assert f'data-src="/chat/messages/{reply.pk}/stream/"' in answer.text
    session.refresh_from_db()
    assert session.title == "Hello <b>there</b>"


def test_both_ways_answer_the_same(
    browser: Browser, session: ChatSession, owner: User, settings: SettingsWrapper
) -> None:
    second = ChatSession.objects.create(owner=owner, app_key=session.app_key)
    short = _send(browser, session)
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.http.ConditionalGetMiddleware"]
    quick_views.available.cache_clear()
    long = Client(headers=HTMX)
    long.force_login(owner)

    answer = long.post(f"/chat/{second.pk}/send/", {"text": "Hello there"})
    quick_views.available.cache_clear()

    def without_ids(html: str, conversation: ChatSession) -> list[str]:
        for message in conversation.messages.all():
            html = html.replace(str(message.pk), str(message.ordinal))
        return html.split()

    assert without_ids(short.text, session) == without_ids(answer.content.decode(), second)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    for name in ("x-frame-options", "x-content-type-options", "referrer-policy", "content-type"):
        assert short.headers[name] == headers[name]
    assert sorted(short.headers["content-security-policy"].split("; ")) == sorted(
        headers["content-security-policy"].split("; ")
    )


def test_sampling_of_one_question_reaches_the_model(
    way: str, browser: Browser, session: ChatSession, openai_server
) -> None:
    url = browser.ask(session, temperature="1.5", top_k="7", max_tokens="2")

    browser.read(url)

    sent = openai_server.requests[-1].body
    assert (sent["temperature"], sent["top_p"], sent["top_k"], sent["max_tokens"]) == (
        1.5,
        0.9,
        7,
        2,
    )


def test_second_question_carries_the_conversation(
    way: str, browser: Browser, session: ChatSession, openai_server
) -> None:
    browser.read(browser.ask(session, "First"))
    found = browser.read(browser.ask(session, "Second"))

    assert text_of(found) == "You said: Second"
    turns = [
        turn for turn in openai_server.requests[-1].body["messages"] if turn["role"] != "system"
    ]
    assert [(turn["role"], turn["content"]) for turn in turns[:2]] == [
        ("user", "First"),
        ("assistant", "You said: First"),
    ]
    assert session.messages.count() == 4


@pytest.mark.parametrize("text", ["", "   \n ", "x" * 32_001])
def test_bad_question_is_422_and_stores_nothing(
    way: str, browser: Browser, session: ChatSession, text: str
) -> None:
    answer = _send(browser, session, data={"text": text})

    assert answer.status_code == 422
    assert answer.headers["HX-Retarget"] == "#composer-errors"
    assert session.messages.count() == 0


def test_value_out_of_range_is_422(way: str, browser: Browser, session: ChatSession) -> None:
    answer = _send(browser, session, data={"text": "Hello", "temperature": "9"})

    assert answer.status_code == 422
    assert "less than or equal to 2" in answer.text


def test_second_question_during_an_answer_is_409(
    way: str, browser: Browser, session: ChatSession
) -> None:
    browser.ask(session)

    answer = _send(browser, session)

    assert answer.status_code == 409
    assert "still being written" in answer.text
    assert session.messages.count() == 2


def test_stranger_gets_404_and_the_signed_out_the_login_page(
    way: str, browser: Browser, session: ChatSession, served: str, stranger: User
) -> None:
    assert _send(Browser(served, stranger), session).status_code == 404
    assert "/accounts/login/" in _send(Browser(served, None), session).headers["HX-Redirect"]
    assert session.messages.count() == 0


def test_disabled_person_is_signed_out(
    way: str, browser: Browser, session: ChatSession, owner: User
) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)

    assert "/accounts/login/" in _send(browser, session).headers["HX-Redirect"]


def test_changed_password_ends_the_session(
    way: str, browser: Browser, session: ChatSession, owner: User
) -> None:
    owner.set_password("another good password")
    owner.save()

    assert "/accounts/login/" in _send(browser, session).headers["HX-Redirect"]


def test_wrong_token_origin_or_host_is_refused(
    way: str, browser: Browser, session: ChatSession
) -> None:
    refused = [
        _send(browser, session, headers={"X-CSRFToken": "c" * 32}),
        _send(browser, session, headers={"Origin": "https://evil.example"}),
        _send(browser, session, headers={"Host": "evil.example"}),
    ]

    assert [answer.status_code for answer in refused] == [403, 403, 400]
    assert session.messages.count() == 0


def test_wrong_method_is_405(way: str, browser: Browser, session: ChatSession) -> None:
    assert browser.http.get(f"/chat/{session.pk}/send/").status_code == 405


def test_without_a_script_the_answer_is_written_and_shown(
    browser: Browser, session: ChatSession, openai_server
) -> None:
    answer = _send(browser, session, headers={"HX-Request": ""}, follow_redirects=False)
    assert answer.status_code == 302

    waiting = browser.http.get(
        f"/chat/{session.pk}/", follow_redirects=True, headers={"HX-Request": ""}
    )
    assert openai_server.wait_until_idle(3)
    for _ in range(50):
        if session.messages.get(ordinal=1).status == "complete":
            break
        waiting = browser.http.get(f"/chat/{session.pk}/", follow_redirects=True)

    assert session.messages.get(ordinal=1).content == "You said: Hello there"
    assert waiting.status_code == 200
