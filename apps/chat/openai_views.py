"""`/v1`: every application as a model of an OpenAI-compatible server. Nothing asked here is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import orjson
import structlog
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from apps.chat import openai_requests
from apps.chat.bodies import is_large, json_body
from apps.chat.errors import AppNotFound, ReplyCrashed
from apps.chat.gateway import ChatApp, find_app, gateway
from apps.chat.openai_requests import BadRequest, ChatBody, Reply
from apps.chat.rows import in_rows
from apps.chat.tokens import bearer
from apps.runtime.errors import StudioError
from apps.runtime.events import Answer, Event, Token
from apps.runtime.resources import RunRequest

log = structlog.get_logger(__name__)


@csrf_exempt
@require_GET
def models(request: HttpRequest) -> HttpResponse:
    if not (user := bearer(request)):
        return _unauthorised()
    rows = [_model(app) for app in gateway().apps_for(user)]
    return _json({"object": "list", "data": rows})


@csrf_exempt
@require_GET
def model(request: HttpRequest, model: str) -> HttpResponse:
    if not (user := bearer(request)):
        return _unauthorised()
    try:
        return _json(_model(find_app(user, model)))
    except AppNotFound as error:
        return _refuse(error)


@csrf_exempt
@require_POST
async def chat_completions(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """One completion, streamed or whole. What fails before the first word has an HTTP status of its
    own; what fails later is an error event that ends the stream."""
    if is_large(request) and not await in_rows(bearer, request):
        return _unauthorised()
    try:
        body = openai_requests.parse(json_body(request))
        run_request = body.run_request()
        prepared = await in_rows(_prepare, request, body.model, run_request)
        if prepared is None:
            return _unauthorised()
        events = _events(gateway().run(prepared, run_request))
        first = await anext(events)
    except BadRequest as error:
        if not await in_rows(bearer, request):  # strangers learn nothing about bodies
            return _unauthorised()
        return _json(
            openai_requests.error_body(str(error), "invalid_request_error", param=error.param), 400
        )
    except StudioError as error:
        return _refuse(error)
    if body.stream:
        return StreamingHttpResponse(
            _stream(events, first, body),
            content_type="text/event-stream; charset=utf-8",
            headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
        )
    try:
        return _json(Reply(body.model).whole(await _answer(events, first)))
    except StudioError as error:
        return _refuse(error)


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """Clients of this protocol read JSON, also where an address of its is not offered here."""
    message = f"There is no {request.method} {request.path}. Here are /v1/models and /v1/chat/completions."
    body = openai_requests.error_body(message, "invalid_request_error", code="unknown_url")
    return _json(body, 404)


def _prepare(request: HttpRequest, model: str, asked: RunRequest) -> Any:
    """Raises BadRequest for files that the application does not take."""
    if not (user := bearer(request)):
        return None
    app = find_app(user, model)
    for media in asked.turns[-1].media:
        if media.kind not in app.takes:
            takes = ", ".join(app.takes) or "text only"
            raise BadRequest(f"{app.title} takes no {media.kind} ({takes}).", "messages")
    return gateway().prepare(user, app.key)


async def _events(run: AsyncIterator[Event]) -> AsyncIterator[Token | Answer]:
    """Tokens and the answer of a run; whatever unexpected happens is a ReplyCrashed."""
    try:
        async with aclosing(run) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, Token | Answer):
                    yield event
    except StudioError:
        raise
    except Exception as error:  # the edge of the run: log everything, show a safe message
        log.exception("chat.completion-crashed")
        raise ReplyCrashed from error


async def _answer(events: AsyncIterator[Token | Answer], first: Token | Answer) -> Answer:
    async with aclosing(events):  # type: ignore[type-var]
        event = first
        while not isinstance(event, Answer):
            event = await anext(events)
        return event


async def _stream(
    events: AsyncIterator[Token | Answer], first: Token | Answer, body: ChatBody
) -> AsyncIterator[bytes]:
    reply = Reply(body.model)
    async with aclosing(events):  # type: ignore[type-var]
        yield _event(reply.chunk({"role": "assistant", "content": ""}))
        event = first
        try:
            while isinstance(event, Token):
                yield _event(reply.chunk({"content": event.text}))
                event = await anext(events)
        except StudioError as error:
            yield _event(openai_requests.error_of(error))
            return
        yield _event(reply.last_chunk(event))
        if body.include_usage:
            yield _event(reply.usage_chunk(event))
        yield b"data: [DONE]\n\n"


def _event(data: Any) -> bytes:
    return b"data: %b\n\n" % orjson.dumps(data)


def _json(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(data), status=status, content_type="application/json")


def _model(app: ChatApp) -> dict[str, Any]:
    return {
        "id": app.name or app.key,
        "object": "model",
        "created": 0,
        "owned_by": "genai-studio",
        "title": app.title,
    }


def _refuse(error: StudioError) -> HttpResponse:
    return _json(openai_requests.error_of(error), error.status)


def _unauthorised() -> HttpResponse:
    message = "Send a personal API token as `Authorization: Bearer …`; your profile page makes one."
    body = openai_requests.error_body(message, "invalid_request_error", code="invalid_api_key")
    response = _json(body, 401)
    response["WWW-Authenticate"] = "Bearer"
    return response
