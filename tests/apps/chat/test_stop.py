from __future__ import annotations

from collections.abc import Callable

from apps.accounts.models import User
from apps.chat.models import ChatSession
from tests.apps.chat.serving import Browser, OtherProcess, text_of
from tests.fakes.openai_server import FakeOpenAI
from tests.servers.ports import wait_until

SessionWith = Callable[[str], ChatSession]


def _stop(browser: Browser, session: ChatSession) -> int:
    reply = session.messages.get(ordinal=1)
    return browser.http.post(f"/chat/messages/{reply.pk}/stop/").status_code


def test_stop_closes_the_upstream_at_once_and_keeps_the_text(
    browser: Browser, session_with: SessionWith, openai_server: FakeOpenAI
) -> None:
    session = session_with("fake-n500-itl20")
    with browser.reading(browser.ask(session)) as found:
        seen = [next(found) for _ in range(5)]
        assert _stop(browser, session) == 204
        seen += found

    assert openai_server.wait_until_idle(1)
    reply = session.messages.get(ordinal=1)
    assert (seen[-1].name, reply.status) == ("done", "stopped")
    assert reply.content == text_of(seen)
    assert "You stopped this answer" in seen[-1].data


def test_stop_ends_a_model_that_never_answers(
    browser: Browser, session_with: SessionWith, openai_server: FakeOpenAI
) -> None:
    session = session_with("fake-hang")
    with browser.reading(browser.ask(session)) as found:
        wait_until(lambda: openai_server.open_streams == 1, what="nothing was asked")
        _stop(browser, session)
        seen = list(found)

    assert openai_server.wait_until_idle(1)
    assert seen[-1].name == "done"
    assert session.messages.get(ordinal=1).status == "stopped"


def test_stop_reaches_a_reply_of_another_process(
    other_process: OtherProcess,
    browser: Browser,
    owner: User,
    session_with: SessionWith,
    openai_server: FakeOpenAI,
) -> None:
    session = session_with("fake-n1000-itl20")
    there = Browser(other_process.url, owner)
    with there.reading(there.ask(session)) as found:
        next(found)
        assert _stop(browser, session) == 204
        assert openai_server.wait_until_idle(5)
        assert list(found)[-1].name == "done"

    assert session.messages.get(ordinal=1).status == "stopped"


def test_stop_before_anybody_writes_ends_the_reply(
    browser: Browser, session: ChatSession, openai_server: FakeOpenAI
) -> None:
    url = browser.ask(session)

    _stop(browser, session)

    assert browser.read(url)[-1].name == "done"
    assert session.messages.get(ordinal=1).status == "stopped"
    assert openai_server.streams_started == 0


def test_stranger_cannot_stop(
    browser: Browser, session: ChatSession, served: str, stranger: User
) -> None:
    browser.ask(session)

    assert _stop(Browser(served, stranger), session) == 404
    assert session.messages.get(ordinal=1).status == "pending"


def test_wrong_method_is_405(browser: Browser, session: ChatSession) -> None:
    browser.ask(session)
    reply = session.messages.get(ordinal=1)

    assert browser.http.get(f"/chat/messages/{reply.pk}/stop/").status_code == 405
