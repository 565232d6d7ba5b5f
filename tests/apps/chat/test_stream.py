"""Reading a reply: everything once, whoever reads when, and nothing left open upstream."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.chat import live, replies
from apps.chat.live import registry
from apps.chat.models import ChatMessage, ChatSession
from tests.apps.chat.serving import Browser, OtherProcess, text_of
from tests.fakes.openai_server import FakeOpenAI
from tests.servers.ports import wait_until

SessionWith = Callable[[str], ChatSession]


def _reply(session: ChatSession) -> ChatMessage:
    return session.messages.get(ordinal=1)


def test_stream_gives_the_text_and_then_the_finished_message(
    browser: Browser, session: ChatSession
) -> None:
    found = browser.read(browser.ask(session, "Hello there"))

    assert text_of(found) == "You said: Hello there"
    assert found[-1].name == "done"
    assert 'data-status="complete"' in found[-1].data
    reply = _reply(session)
    assert (reply.status, reply.content) == ("complete", "You said: Hello there")
    assert reply.usage["completion_tokens"] == 4


def test_stream_headers_keep_proxies_from_buffering(browser: Browser, session: ChatSession) -> None:
    with browser.http.stream("GET", browser.ask(session)) as response:
        assert response.headers["cache-control"] == "no-cache, no-transform"
        assert response.headers["x-accel-buffering"] == "no"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "content-encoding" not in response.headers
        assert "default-src 'none'" in response.headers["content-security-policy"]


def test_stream_ids_count_the_characters_of_the_text(
    browser: Browser, session: ChatSession
) -> None:
    found = browser.read(browser.ask(session, "Hello there"))

    tokens = [event for event in found if event.name == "token"]
    assert tokens[-1].id == str(len("You said: Hello there"))


def test_stream_of_an_ended_reply_tells_it_whole(browser: Browser, session: ChatSession) -> None:
    url = browser.ask(session, "Hello there")
    browser.read(url)

    again = browser.read(url)

    assert text_of(again) == "You said: Hello there"
    assert again[-1].name == "done"


def test_reload_in_the_middle_loses_nothing_and_asks_once(
    browser: Browser, session_with: SessionWith, openai_server: FakeOpenAI
) -> None:
    session = session_with("fake-n40-itl25")
    url = browser.ask(session)
    with browser.reading(url) as first:
        for _ in range(5):
            next(first)

    found = browser.read(url)

    assert found[-1].name == "done"
    assert text_of(found) == _reply(session).content
    assert len(_reply(session).content.split()) > 30
    assert openai_server.streams_started == 1


def test_reconnect_goes_on_behind_the_last_event(
    browser: Browser, session_with: SessionWith
) -> None:
    session = session_with("fake-n40-itl25")
    url = browser.ask(session)
    with browser.reading(url) as first:
        before = [next(first) for _ in range(8)]

    after = browser.read(url, last_id=before[-1].id)

    assert text_of(before) + text_of(after) == _reply(session).content


def test_page_shows_what_is_saved_and_its_stream_goes_on_from_there(
    browser: Browser, session: ChatSession
) -> None:
    url = browser.ask(session, "Hello there")
    browser.read(url)

    assert text_of(browser.read(f"{url}?after=9")) == " Hello there"


def test_two_tabs_read_the_same_reply(
    served: str, owner: User, session_with: SessionWith, openai_server: FakeOpenAI
) -> None:
    session = session_with("fake-n40-itl20")
    url = Browser(served, owner).ask(session)
    texts: list[str] = []
    tabs = [
        threading.Thread(target=lambda: texts.append(text_of(Browser(served, owner).read(url))))
        for _ in range(3)
    ]

    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(20)

    assert texts == [_reply(session).content] * 3
    assert openai_server.streams_started == 1


def test_closed_page_stops_the_model_after_the_grace_and_keeps_the_text(
    browser: Browser,
    session_with: SessionWith,
    openai_server: FakeOpenAI,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "GRACE_S", 0.3)
    session = session_with("fake-n500-itl20")
    with browser.reading(browser.ask(session)) as found:
        seen = [next(found) for _ in range(6)]

    assert openai_server.wait_until_idle(3)
    wait_until(lambda: not registry.all(), what="the reply stayed live")
    reply = _reply(session)
    assert (reply.status, reply.error_code) == ("interrupted", "chat.abandoned")
    assert reply.content.startswith(text_of(seen))
    assert openai_server.streams_aborted == 1


def test_reply_that_nobody_reads_is_given_up(
    browser: Browser,
    session_with: SessionWith,
    openai_server: FakeOpenAI,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "GRACE_S", 0.2)
    session = session_with("fake-n500-itl20")
    with browser.reading(browser.ask(session)):
        pass

    assert openai_server.wait_until_idle(3)


def test_text_is_escaped_while_it_streams_and_safe_when_it_is_done(
    browser: Browser, session: ChatSession
) -> None:
    evil = "<svg onload=alert(1)><script>alert(2)</script> & [x](javascript:alert(3))"

    found = browser.read(browser.ask(session, evil))

    assert "<" not in text_of(found)
    assert "&lt;svg onload=alert(1)&gt;" in text_of(found)
    assert "<svg onload" not in found[-1].data
    assert "<script" not in found[-1].data
    assert 'href="javascript:' not in found[-1].data


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("fake-cut5", "service.broke"),
        ("fake-garbage5", "service.broke"),
        ("fake-error5", "service.broke"),
    ],
)
def test_upstream_that_breaks_fails_the_reply_and_keeps_the_text(
    browser: Browser, session_with: SessionWith, model: str, code: str
) -> None:
    session = session_with(model)

    found = browser.read(browser.ask(session, "one two three four five six seven eight"))

    told = json.loads(found[-1].data)
    reply = _reply(session)
    assert found[-1].name == "failed"
    assert (told["code"], reply.status) == (reply.error_code, "failed")
    assert told["code"].startswith(code.split(".")[0])
    assert told["message"] == reply.error_message
    assert reply.content == "You said: one two three"
    assert "Ask again" in told["html"]


def test_missing_upstream_says_what_to_do(
    browser: Browser, session: ChatSession, openai_server: FakeOpenAI
) -> None:
    openai_server.stop()

    found = browser.read(browser.ask(session))

    told = json.loads(found[-1].data)
    assert (found[-1].name, told["code"]) == ("failed", "service.unavailable")
    assert "Check that it runs" in told["message"]


def test_connection_that_is_gone_fails_the_reply_instead_of_blocking_it(
    browser: Browser, session: ChatSession, owner: User
) -> None:
    owner.endpoints.all().delete()

    found = browser.read(browser.ask(session))

    assert json.loads(found[-1].data)["code"] == "connections.unknown"
    assert _reply(session).status == "failed"


def test_reply_of_another_process_is_read_from_its_row(
    other_process: OtherProcess, served: str, owner: User, session_with: SessionWith
) -> None:
    session = session_with("fake-n60-itl40")
    there = Browser(other_process.url, owner)
    url = there.ask(session)
    with there.reading(url) as found:
        for _ in range(3):
            next(found)

        here = Browser(served, owner).read(url)

    assert here[-1].name == "done"
    assert text_of(here) == _reply(session).content
    assert len([event for event in here if event.name == "token"]) > 1


def test_killed_process_leaves_an_interrupted_reply_with_its_text(
    other_process: OtherProcess, owner: User, session_with: SessionWith
) -> None:
    session = session_with("fake-n500-itl20")
    browser = Browser(other_process.url, owner)
    url = browser.ask(session)
    with browser.reading(url) as found:
        next(found)
        wait_until(lambda: bool(_reply(session).content), what="no text was saved")
        other_process.kill()

    other_process.start()

    told = json.loads(browser.read(url)[-1].data)
    reply = _reply(session)
    assert (reply.status, reply.error_code) == ("interrupted", "chat.interrupted")
    assert reply.content
    assert (told["code"], told["message"]) == (reply.error_code, reply.error_message)
    assert "Ask again" in told["html"]


def test_stopped_process_keeps_every_token_of_its_replies(
    other_process: OtherProcess, owner: User, session_with: SessionWith
) -> None:
    session = session_with("fake-n500-itl20")
    browser = Browser(other_process.url, owner)
    seen = []
    with browser.reading(browser.ask(session)) as found:
        seen += [next(found) for _ in range(10)]
        other_process.stop()

    reply = _reply(session)
    assert (reply.status, reply.error_code) == ("interrupted", "chat.interrupted")
    assert reply.content.startswith(text_of(seen))


def test_reply_without_a_sign_of_life_is_marked_by_whoever_reads_it(
    browser: Browser, session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = browser.ask(session)
    session.messages.filter(ordinal=1).update(
        status="streaming",
        claimed_by="elsewhere:1:1",
        content="So far",
        heartbeat_at="2020-01-01T00:00Z",
    )

    found = browser.read(url)

    assert text_of(found) == "So far"
    assert json.loads(found[-1].data)["code"] == replies.ReplyInterrupted.code


def test_text_so_far_is_saved_while_it_is_written(
    browser: Browser, session_with: SessionWith
) -> None:
    session = session_with("fake-n200-itl20")
    with browser.reading(browser.ask(session)) as found:
        next(found)
        time.sleep(1.6)
        saved = _reply(session).content

    assert len(saved.split()) > 20


def test_stranger_gets_404(
    browser: Browser, session: ChatSession, served: str, stranger: User
) -> None:
    url = browser.ask(session)

    assert Browser(served, stranger).http.get(url).status_code == 404
    assert Browser(served, None).http.get(url).headers["HX-Redirect"].startswith("/accounts/login/")


def test_handed_over_stream_opens_for_the_session_that_asked_alone(
    browser: Browser, session: ChatSession, served: str, owner: User, openai_server: FakeOpenAI
) -> None:
    url = browser.ask(session)

    foreign = browser.http.get(url, headers={"Host": "evil.example"})
    assert foreign.status_code == 400
    assert openai_server.streams_started == 0
    assert text_of(Browser(served, owner).read(url)).startswith("You said")


def test_wrong_method_is_405(browser: Browser, session: ChatSession) -> None:
    assert browser.http.post(browser.ask(session)).status_code == 405
