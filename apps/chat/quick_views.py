"""The way to the first token, cut short: asking and opening the reply's stream.

Both are ordinary Django views, and whatever is not plain success (no session, wrong token, foreign
host, refused question, another process) is answered by them: what is here says yes or stays silent. Yes
takes the same checks: allowed host, Django's own CSRF middleware, the session with its signature, expiry
and password hash, an active user, the row's owner. Why: under 200 questions at the same instant, the ORM's
query building and ten middlewares took 10 ms of processor time per question and left no time for tokens.

A middleware that is not in KNOWN might decide something that is not looked at here; then all requests go
through Django.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.middleware.csrf import CsrfViewMiddleware
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.html import escape
from django.utils.module_loading import import_string

from apps.chat.context import turn_context
from apps.chat.enums import ACTIVE, MessageStatus
from apps.chat.forms import FIELD_PREFIX, SAMPLING, QuestionForm
from apps.chat.gateway import gateway
from apps.chat.models import ChatMessage, ChatSession
from apps.chat.process import this_process
from apps.chat.queries import TURNS, turns_of
from apps.chat.replies import Work
from apps.chat.services import QUESTION_LIMIT, new_turn, title_of
from apps.runtime.resources import RunRequest, Sampling, Turn

if TYPE_CHECKING:
    from apps.accounts.models import User

KNOWN = frozenset(
    {
        "django.middleware.security.SecurityMiddleware",
        "csp.middleware.CSPMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
        "apps.ui.middleware.htmx_responses",
        "apps.ui.middleware.studio_errors",
    }
)
BACKEND = "django.contrib.auth.backends.ModelBackend"
SESSIONS = "django.contrib.sessions.backends.db"
BODY_BYTES = 512 * 1024
"""More is no plain question; such bodies stay on disk, where the server has put them."""
MULTIPART = "multipart/form-data"
"""How files come; the ordinary view takes them."""
HANDOFF_S = 10.0
"""How long after the question its asker, with the same session cookie, may open the reply's stream
without proving again who he is."""
QUESTION_ID, REPLY_ID, TEXT = str(UUID(int=1)), str(UUID(int=2)), "the-text-of-the-question"
COLUMNS = frozenset({"id", "username", "password", "is_active", "is_superuser", "is_staff"})
HEADERS_FROM = frozenset(
    {
        "django.middleware.security.SecurityMiddleware",
        "csp.middleware.CSPMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    }
)
SESSION, MESSAGE = ChatSession._meta, ChatMessage._meta


@dataclass(frozen=True, slots=True)
class Handoff:
    """A question's reply, ready to be claimed by the session that asked."""

    session_key: str
    work: Work
    at: float


_handoffs: dict[UUID, Handoff] = {}


@cache
def available() -> bool:
    return (
        KNOWN.issuperset(settings.MIDDLEWARE)
        and settings.SESSION_ENGINE == SESSIONS
        and not settings.CSRF_USE_SESSIONS
        and not settings.SESSION_SAVE_EVERY_REQUEST
    )


def warm_up() -> None:
    if available():
        headers()
        _csrf()
        _turn_template()


def send(request: ASGIRequest, session_id: UUID) -> HttpResponse | None:
    """A question from the chat page: stored, and handed to the stream that will be opened next."""
    if not request.headers.get("HX-Request") or not _let_in(request):
        return None
    if request.content_type == MULTIPART:
        return None
    owner, asked = _signed_in(request), _question(request.POST)
    if owner is None or asked is None:
        return None
    stored = _ask(session_id, owner, *asked)
    if stored is None:
        return None
    question, reply, turns = stored
    _hand_over(request.COOKIES[settings.SESSION_COOKIE_NAME], owner, reply, turns)
    return HttpResponse(_turn_html(question, reply), headers=headers())


def claim(request: ASGIRequest, message_id: UUID) -> Work | None:
    """The reply of a question that this session has just asked here, claimed. One statement."""
    handoff = _handoffs.pop(message_id, None)
    if handoff is None or time.monotonic() - handoff.at > HANDOFF_S:
        return None
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if not constant_time_compare(key, handoff.session_key) or not _let_in(request):
        return None
    reply = handoff.work.reply
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{MESSAGE.db_table}" SET status = %s, claimed_by = %s, heartbeat_at = %s'  # noqa: S608 - our names
            " WHERE id = %s AND status = %s",
            [
                MessageStatus.STREAMING.value,
                this_process(),
                _time(now),
                _pk(message_id),
                MessageStatus.PENDING.value,
            ],
        )
        if not cursor.rowcount:
            return None
    reply.status, reply.claimed_by, reply.heartbeat_at = (
        MessageStatus.STREAMING,
        this_process(),
        now,
    )
    return handoff.work


def _let_in(request: ASGIRequest) -> bool:
    """Host, scheme and, for a POST, CSRF token and origin, judged by Django's own code."""
    try:
        request.get_host()
    except DisallowedHost:
        return False
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return False
    csrf = _csrf()
    csrf.process_request(request)
    return csrf.process_view(request, HttpResponse, (), {}) is None


@cache
def _csrf() -> CsrfViewMiddleware:
    return CsrfViewMiddleware(lambda request: HttpResponse())


def _signed_in(request: ASGIRequest) -> User | None:
    """What `django.contrib.auth.get_user` finds, in two plain statements."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s",
            [key, _time(timezone.now())],
        )
        row = cursor.fetchone()
    data = SessionStore(key).decode(row[0]) if row else {}
    if data.get(BACKEND_SESSION_KEY) != BACKEND or BACKEND not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = _user(data.get(SESSION_KEY, ""))
    if user is None or not user.is_active:
        return None
    known = constant_time_compare(data.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    return user if known else None


def _user(pk: str) -> User | None:
    """With the columns that sign-in and access need; others are read when somebody asks for them."""
    model: Any = get_user_model()
    fields = _user_fields()
    names = ", ".join(field.column for field in fields)
    if not pk.isdecimal():
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT {names} FROM "{model._meta.db_table}" WHERE id = %s',  # noqa: S608 - our names
            [int(pk)],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    values = [field.to_python(value) for field, value in zip(fields, row, strict=True)]
    found: User = model.from_db(connection.alias, [field.attname for field in fields], values)
    return found


@cache
def _user_fields() -> list[Any]:
    return [field for field in get_user_model()._meta.concrete_fields if field.attname in COLUMNS]


def _question(post: QueryDict) -> tuple[str, dict[str, Any]] | None:
    """Text and changed parameters; the form is asked only where there is more than text. None, and so
    the ordinary view, for questions with fields."""
    if any(name.startswith(FIELD_PREFIX) for name in post):
        return None
    text = post.get("text", "").replace("\x00", "").strip()
    if not text or len(text) > QUESTION_LIMIT:
        return None
    if not any(post.get(name) for name in SAMPLING):
        return text, {}
    form = QuestionForm(post)
    return (text, form.sampling()) if form.is_valid() else None


def _ask(
    session_id: UUID, owner: User, text: str, sampling: dict[str, Any]
) -> tuple[ChatMessage, ChatMessage, list[Turn]] | None:
    """As `services.ask`, for a conversation named by id: question, reply and the turns so far.
    None where that would raise."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{SESSION.db_table}" SET updated_at = %s,'  # noqa: S608 - our names
            " title = CASE WHEN title = '' THEN %s ELSE title END"
            " WHERE id = %s AND owner_id = %s RETURNING app_key",
            [_time(timezone.now()), title_of(text), _pk(session_id), owner.pk],
        )
        found = cursor.fetchone()
        if found is None:
            return None
        cursor.execute(
            "SELECT role, content, status, superseded, ordinal, media_count"  # noqa: S608 - our names
            f' FROM "{MESSAGE.db_table}" WHERE session_id = %s ORDER BY ordinal DESC LIMIT %s',
            [_pk(session_id), TURNS],
        )
        rows = cursor.fetchall()
        if rows and (rows[0][2] in ACTIVE or any(row[5] for row in rows)):
            return None
        session = ChatSession(pk=session_id, owner=owner, app_key=found[0])
        question, reply = new_turn(session, rows[0][4] + 1 if rows else 0, text, sampling)
        _insert(cursor, [question, reply])
    newest: list[Any] = [(question.role, text, question.status, False, ())]
    return question, reply, turns_of(newest + [(*row[:4], ()) for row in rows])


def _insert(cursor: Any, rows: list[ChatMessage]) -> None:
    now = timezone.now()
    values = []
    for row in rows:
        row.created_at = now
        row._state.adding = False
        values += [
            field.get_db_prep_save(getattr(row, field.attname), connection)
            for field in MESSAGE.concrete_fields
        ]
    names = ", ".join(f'"{field.column}"' for field in MESSAGE.concrete_fields)
    places = f"({', '.join(['%s'] * len(MESSAGE.concrete_fields))})"
    cursor.execute(
        f'INSERT INTO "{MESSAGE.db_table}" ({names}) VALUES {", ".join([places] * len(rows))}',  # noqa: S608
        values,
    )


def _hand_over(session_key: str, owner: User, reply: ChatMessage, turns: list[Turn]) -> None:
    """Make the reply ready for its stream; what goes wrong here is told by the view."""
    try:
        prepared = gateway().prepare(owner, reply.session.app_key)
    except Exception:  # noqa: BLE001 - the question is stored; the view that opens the stream says why
        return
    now = time.monotonic()
    for reply_id in [key for key, kept in _handoffs.copy().items() if now - kept.at > HANDOFF_S]:
        _handoffs.pop(reply_id, None)
    work = Work(reply, prepared, RunRequest(turns, Sampling(**reply.sampling)))
    _handoffs[reply.pk] = Handoff(session_key, work, now)


def _turn_html(question: ChatMessage, reply: ChatMessage) -> str:
    """`chat/_turn.html`, rendered once and filled in: its includes and addresses took 0.6 ms."""
    parts = _turn_template()
    values = {
        QUESTION_ID: str(question.pk),
        REPLY_ID: str(reply.pk),
        TEXT: escape(question.content),
    }
    return "".join(values.get(part, part) for part in parts)


@cache
def _turn_template() -> list[str]:
    question, reply = new_turn(ChatSession(), 0, TEXT, {})
    question.pk, reply.pk = UUID(QUESTION_ID), UUID(REPLY_ID)
    html = render_to_string("chat/_turn.html", turn_context(question, reply))
    return re.split(f"({QUESTION_ID}|{REPLY_ID}|{TEXT})", html)


def _pk(value: UUID) -> Any:
    return MESSAGE.pk.get_db_prep_value(value, connection)


def _time(value: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


@cache
def headers() -> dict[str, str]:
    """What the middlewares of KNOWN add to every response."""
    request = HttpRequest()
    request.META |= {"SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    request.META["wsgi.url_scheme"] = "https" if settings.SECURE_HSTS_SECONDS else "http"
    response = HttpResponse()
    del response["Content-Type"]
    for name in HEADERS_FROM.intersection(settings.MIDDLEWARE):
        import_string(name)(HttpResponse).process_response(request, response)
    return {**response.headers, "Vary": "Cookie"}
