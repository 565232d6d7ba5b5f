"""What the chat page shows, for every app that shows it (the portal, the studio's sandbox)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.urls import reverse

from apps.chat.forms import QuestionForm
from apps.chat.gateway import ChatApp
from apps.chat.messages import ShownMessage, shown
from apps.chat.models import ChatSession
from apps.chat.offers import offer_of
from apps.chat.queries import latest_messages, sessions_for
from apps.ui.http import StudioRequest, sought_words

SESSIONS_PER_PAGE = 30


def chat_context(
    request: StudioRequest, app: ChatApp, session: ChatSession | None
) -> dict[str, Any]:
    """Context of `chat/_chat.html`. Three queries."""
    rows, has_older = latest_messages(session) if session else ([], False)
    messages = shown(rows)
    asked = next((row.fields for row in reversed(rows) if row.is_reply and row.fields), None)
    offer = offer_of(app, asked)
    return {
        "app": app,
        "session": session,
        "chat_messages": messages,
        "older_before": rows[0].ordinal if has_older else None,
        "active_reply": next((message for message in messages if message.is_active), None),
        "traced": next((message for message in reversed(messages) if message.trace), None),
        "sessions": sessions_page(request, app),
        "home_url": home_url(app),
        "offer": offer,
        "form": QuestionForm(defaults=app.sampling, placeholder=offer.words.placeholder),
    }


def sessions_page(request: StudioRequest, app: ChatApp) -> Page[ChatSession]:
    """One page of this person's conversations with the app, filtered by `?q=`."""
    rows = sessions_for(request.user).filter(app_key=app.key)
    if wanted := sought_words(request):
        rows = rows.filter(title__icontains=wanted)
    return Paginator(rows, SESSIONS_PER_PAGE).get_page(request.GET.get("page"))


def home_url(app: ChatApp) -> str:
    """Where a new conversation with the app begins."""
    return app.page_url or f"{reverse('chat:index')}?{urlencode({'app': app.key})}"


def session_url(app: ChatApp, session: ChatSession) -> str:
    if not app.page_url:
        return session.get_absolute_url()
    joint = "&" if "?" in app.page_url else "?"
    return f"{app.page_url}{joint}{urlencode({'session': session.pk})}"


def turn_context(question: Any, reply: Any) -> dict[str, Any]:
    return {"question": ShownMessage(question), "message": ShownMessage(reply, last=True)}
