"""Conversations over JSON, with the same personal tokens as `/v1`.

GET, POST           chat/api/sessions/                  {app, title?}
GET, PATCH, DELETE  chat/api/sessions/<id>/             {title}
GET, POST           chat/api/sessions/<id>/messages/    {text, temperature?, …, stream?, fields?, attachments?}

fields: what the application asks for beside the words; attachments: [{base64, mime?, name?}]. Files of
messages are at their `url`, with the same token.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import wraps
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.chat import services
from apps.chat.bodies import json_body
from apps.chat.forms import SamplingForm, TitleForm
from apps.chat.gateway import find_app
from apps.chat.models import ChatAttachment, ChatMessage, ChatSession
from apps.chat.queries import sessions_for
from apps.chat.replies import Work, claim_reply
from apps.chat.rows import in_rows
from apps.chat.streams import EventStream, follow
from apps.chat.tokens import bearer
from apps.runtime.errors import StudioError, UserFault
from apps.runtime.media import Media, media_from

if TYPE_CHECKING:
    from apps.accounts.models import User

PAGE_SIZE = 50


class ApiFault(UserFault):
    """An answer other than 2xx: status and problem, as application/problem+json."""

    sentence = "{detail}"

    def __init__(self, status: int, code: str, detail: str, **rest: Any) -> None:
        super().__init__(detail=detail)
        self.status, self.code, self.rest = status, code, rest  # type: ignore[misc]


def _signed_in(view: Callable[..., Any]) -> Callable[..., Any]:
    """Hand the token's owner to a sync view, and turn StudioErrors into problems."""

    @csrf_exempt
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not (user := bearer(request)):
            return _unauthorised()
        try:
            response: HttpResponse = view(request, user, *args, **kwargs)
        except StudioError as error:
            return _problem(error)
        return response

    return inner


@_signed_in
@require_http_methods(["GET", "POST"])
def api_sessions(request: HttpRequest, user: User) -> HttpResponse:
    if request.method == "GET":
        return _page(request, sessions_for(user), _session)
    data = _body(request)
    title = str(data.get("title") or "").strip()[:120]
    app = find_app(user, str(data.get("app") or ""))
    created = services.start_session(by=user, app_key=app.key)
    if title:
        services.rename_session(session=created, title=title)
    return _json(_session(created), 201)


@_signed_in
@require_http_methods(["GET", "PATCH", "DELETE"])
def api_session(request: HttpRequest, user: User, session_id: UUID) -> HttpResponse:
    found = _session_or_fault(user, session_id)
    if request.method == "DELETE":
        services.delete_session(session=found)
        return HttpResponse(status=204)
    if request.method == "PATCH":
        form = TitleForm(_body(request))
        if not form.is_valid():
            raise ApiFault(422, "chat.title-refused", "The title is refused.", errors=form.errors)
        services.rename_session(session=found, title=form.cleaned_data["title"])
    return _json(_session(found))


@csrf_exempt
@require_http_methods(["GET", "POST"])
async def api_messages(request: HttpRequest, session_id: UUID) -> HttpResponse | EventStream:
    """GET lists, oldest first. POST asks and answers with the finished reply, or with the events of
    its stream when the body says `"stream": true`."""
    if request.method == "GET":
        return await in_rows(_list_messages, request, session_id)
    try:
        work, streamed = await in_rows(_ask, request, session_id)
    except StudioError as error:
        return _problem(error)
    stream = EventStream(work.reply, work=work, offset=0)
    stream.start()
    if streamed:
        return stream
    await _drain(follow(work.reply, 0))
    return _json(_message(await in_rows(_reload, work.reply)), 201)


@_signed_in
def _list_messages(request: HttpRequest, user: User, session_id: UUID) -> HttpResponse:
    rows = _session_or_fault(user, session_id).messages.order_by("ordinal")
    rows = rows.prefetch_related("attachments")
    return _page(request, rows, _message)


def _ask(request: HttpRequest, session_id: UUID) -> tuple[Work, bool]:
    if not (user := bearer(request)):
        raise ApiFault(401, "chat.no-token", "Send a personal API token as a Bearer token.")
    found = _session_or_fault(user, session_id)
    data = _body(request)
    form = SamplingForm(data)
    if not form.is_valid():
        raise ApiFault(422, "chat.question-refused", "The question is refused.", errors=form.errors)
    _, reply = services.ask(
        session=found,
        text=_text(data.get("text", "")),
        sampling=form.sampling(),
        fields=_fields(data.get("fields") or {}),
        media=_media(data.get("attachments") or []),
    )
    work = claim_reply(reply=reply, by=user)
    if work is None:
        reply.refresh_from_db()
        raise ApiFault(502, reply.error_code or "chat.claimed", reply.error_message or "Claimed.")
    return work, data.get("stream") is True


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ApiFault(422, "chat.question-refused", "text must be a string.")
    return value


def _fields(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise ApiFault(422, "chat.question-refused", "fields must be an object of strings.")
    return value


def _media(value: Any) -> list[Media]:
    """Raises ApiFault or MediaUnreadable."""
    if not isinstance(value, list):
        raise ApiFault(422, "chat.question-refused", "attachments must be a list.")
    found = []
    for one in value:
        if not isinstance(one, dict) or not isinstance(one.get("base64"), str):
            detail = "Each attachment must be an object with the file in base64."
            raise ApiFault(422, "chat.question-refused", detail)
        found.append(media_from(str(one.get("mime", "")), one["base64"], str(one.get("name", ""))))
    return found


async def _drain(frames: AsyncIterator[bytes]) -> None:
    async with aclosing(frames):  # type: ignore[type-var]
        async for _ in frames:
            pass


def _reload(reply: ChatMessage) -> ChatMessage:
    return ChatMessage.objects.get(pk=reply.pk)


def _session_or_fault(user: User, session_id: UUID) -> ChatSession:
    found = sessions_for(user).filter(pk=session_id).first()
    if found is None:
        raise ApiFault(404, "chat.no-session", "There is no such conversation of yours.")
    return found


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        data = orjson.loads(json_body(request) or b"{}")
    except orjson.JSONDecodeError as error:
        raise ApiFault(400, "chat.no-json", f"The body is not JSON: {error}.") from error
    if not isinstance(data, dict):
        raise ApiFault(400, "chat.no-object", "The body must be a JSON object.")
    return data


def _page(request: HttpRequest, rows: Any, shape: Callable[[Any], Any]) -> HttpResponse:
    found = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return _json(
        {
            "count": found.paginator.count,
            "page": found.number,
            "pages": found.paginator.num_pages,
            "results": [shape(row) for row in found],
        }
    )


def _session(row: ChatSession) -> dict[str, Any]:
    return {
        "id": row.pk,
        "app": row.app_key,
        "title": row.title,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _message(row: ChatMessage) -> dict[str, Any]:
    names = ("ordinal", "role", "status", "content", "sampling", "citations", "usage", "model")
    rest = ("generated", "error_code", "error_message", "rating", "superseded")
    return {
        "id": row.pk,
        **{name: getattr(row, name) for name in names + rest},
        "notices": row.usage.get("notices", []),
        "fields": row.fields,
        "attachments": [_attachment(one) for one in row.attachments.all()]
        if row.media_count
        else [],
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }


def _attachment(row: ChatAttachment) -> dict[str, Any]:
    names = ("id", "kind", "mime", "name", "size_bytes")
    return {**{name: getattr(row, name) for name in names}, "url": row.get_absolute_url()}


def _json(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(data), status=status, content_type="application/json")


def _problem(error: StudioError) -> HttpResponse:
    body = {"status": error.status, "code": error.code, "title": str(error)}
    response = _json(body | getattr(error, "rest", {}), error.status)
    response["Content-Type"] = "application/problem+json"
    return response


def _unauthorised() -> HttpResponse:
    response = _problem(
        ApiFault(401, "chat.no-token", "Send a personal API token as a Bearer token.")
    )
    response["WWW-Authenticate"] = "Bearer"
    return response
