from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from apps.chat.models import ChatMessage, ChatSession
from tests.apps.chat.serving import Browser

Answered = Callable[..., ChatMessage]
HTMX = {"HX-Request": "true"}


def test_trace_of_a_real_answer_names_its_steps(browser: Browser, session: ChatSession) -> None:
    browser.read(browser.ask(session))
    reply = session.messages.get(ordinal=1)

    html = browser.http.get(f"/chat/messages/{reply.pk}/trace/").text

    assert [node["node"] for node in reply.trace] == ["question", "prompt", "llm", "answer"]
    assert all(node["duration_ms"] >= 0 for node in reply.trace)
    assert html.count('class="chat-node"') == 4
    assert "tokens in" in html


def test_trace_shows_passages_with_scores(owner_client: Client, answered: Answered) -> None:
    passage = {"document": "handbook.md", "page": 2, "score": 0.75, "text": "<i>three</i> months"}
    reply = answered(trace=[{"node": "retriever", "component": "retriever", "passages": [passage]}])

    html = owner_client.get(f"/chat/messages/{reply.pk}/trace/", headers=HTMX).content.decode()

    assert "handbook.md" in html
    assert "0.75" in html
    assert "<i>" not in html
    assert "<html" not in html


def test_stranger_gets_404(stranger_client: Client, answered: Answered) -> None:
    assert stranger_client.get(f"/chat/messages/{answered().pk}/trace/").status_code == 404


def test_wrong_method_is_405(owner_client: Client, answered: Answered) -> None:
    assert owner_client.post(f"/chat/messages/{answered().pk}/trace/").status_code == 405
