from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from apps.chat.models import ChatSession
from tests.apps.chat.serving import Browser
from tests.fakes.openai_server import FakeOpenAI

HTMX = {"HX-Request": "true"}


def test_delete_removes_the_conversation(owner_client: Client, session: ChatSession) -> None:
    answer = owner_client.post(f"/chat/{session.pk}/delete/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/projects/")
    assert not ChatSession.objects.exists()


def test_delete_asks_first(owner_client: Client, session: ChatSession) -> None:
    assert b"<html" in owner_client.get(f"/chat/{session.pk}/delete/").content
    assert b"<html" not in owner_client.get(f"/chat/{session.pk}/delete/", headers=HTMX).content
    assert ChatSession.objects.exists()


def test_delete_in_the_middle_of_an_answer_stops_the_model(
    browser: Browser,
    session_with: Callable[[str], ChatSession],
    openai_server: FakeOpenAI,
) -> None:
    session = session_with("fake-n500-itl20")
    with browser.reading(browser.ask(session)) as found:
        next(found)
        browser.http.post(f"/chat/{session.pk}/delete/")
        last = list(found)[-1]

    assert openai_server.wait_until_idle(1)
    assert last.name == "failed"
    assert "was deleted" in last.data


def test_stranger_gets_404(stranger_client: Client, session: ChatSession) -> None:
    assert stranger_client.post(f"/chat/{session.pk}/delete/").status_code == 404
    assert ChatSession.objects.exists()


def test_wrong_method_is_405(owner_client: Client, session: ChatSession) -> None:
    assert owner_client.put(f"/chat/{session.pk}/delete/").status_code == 405
