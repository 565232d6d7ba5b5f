"""Django under ASGI with one thread hop per request, and the life of replies tied to the process.

Django's own ASGI handler sends every MiddlewareMixin middleware to a thread and back, and each request
to a new thread that opens a new database connection: 8.3 ms of processor time for a signed-in page that
does nothing. Here the same middlewares and the sync view run as one call, as under WSGI, on threads
that keep their connections: 1.2 ms. Nothing is left out, so sessions, CSRF, hosts and headers are as
before. Async views take Django's own way.
"""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from inspect import iscoroutinefunction
from io import SEEK_END, BytesIO
from typing import Any

import structlog
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import DatabaseError
from django.http.response import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import resolve_url
from django.template.loader import get_template
from django.test import RequestFactory
from django.urls import Resolver404, ResolverMatch, resolve, set_script_prefix

from apps.chat import quick_views
from apps.chat.gateway import gateway
from apps.chat.generation import finish_all
from apps.chat.live import registry
from apps.chat.replies import interrupt_dead
from apps.chat.rows import in_rows
from apps.chat.streams import EventStream
from apps.jobs.dispatch import stop_embedded_jobs
from apps.runtime.http import close_sessions

log = structlog.get_logger(__name__)

PAGE_THREADS = 8
WARM = ("base.html", "chat/session.html", "chat/_turn.html", "chat/_citation.html")
QUICK = frozenset({"chat:send", "chat:stream", "chat:stop"})
"""Views of a few milliseconds that no slow page may hold up: they have the threads of `in_rows`."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class OneHopHandler(ASGIHandler):
    """Replaces `django.core.asgi.get_asgi_application()`; call it after `django.setup()`."""

    def __init__(self) -> None:
        super().__init__()
        self._sync = BaseHandler()
        self._sync.load_middleware()
        self._pages = ThreadPoolExecutor(PAGE_THREADS, thread_name_prefix="page")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif (match := _match(scope)) and iscoroutinefunction(match.func):
            await super().__call__(scope, receive, send)
        else:
            await self._serve(match, scope, receive, send)

    async def _serve(
        self, match: ResolverMatch | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            await _say_disk_full(receive, send)
            return
        with body:
            registry.loop = asyncio.get_running_loop()
            if match and match.view_name in QUICK:
                response = await in_rows(self._answer_quickly, match, scope, body)
            else:
                response = await self._in_page_thread(self._answer, scope, body)
            if isinstance(response, EventStream):
                response.start()
            try:
                await self._deliver(response, receive, send)
            finally:
                if response.streaming:
                    response.close()

    async def _in_page_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pages, partial(function, *args))

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await start_up()
                await self._in_page_thread(self._warm_up)
                await send({"type": "lifespan.startup.complete"})
            else:
                await asyncio.gather(shut_down(), asyncio.to_thread(stop_embedded_jobs))
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _warm_up(self) -> None:
        """Load what the first visitor would wait for: addresses, views, templates, the gateway."""
        with suppress(Resolver404):
            resolve("/")
        for name in WARM:
            get_template(name)
        gateway()
        quick_views.warm_up()
        request = RequestFactory().get(
            resolve_url(settings.LOGIN_URL), headers={"host": "localhost"}
        )
        with suppress(DatabaseError):
            self._sync.get_response(request).close()

    def _answer_quickly(self, match: ResolverMatch, scope: Scope, body: Any) -> HttpResponseBase:
        """By the short way where it says yes, else by Django's."""
        size = body.seek(0, SEEK_END)
        body.seek(0)
        if size > quick_views.BODY_BYTES or not quick_views.available():
            return self._answer(scope, body)
        data = body.read()
        try:
            response = self._short_way(match, scope, data)
        except DatabaseError:  # Django's way says it in words, on a new connection
            response = None
        return response or self._answer(scope, BytesIO(data))

    def _short_way(
        self, match: ResolverMatch, scope: Scope, data: bytes
    ) -> HttpResponseBase | None:
        request, _ = self.create_request(scope, BytesIO(data))
        if request and (match.view_name, request.method) == ("chat:send", "POST"):
            return quick_views.send(request, **match.kwargs)
        if request and (match.view_name, request.method) == ("chat:stream", "GET"):
            work = quick_views.claim(request, **match.kwargs)
            if work:
                return EventStream(work.reply, work=work, offset=0, headers=quick_views.headers())
        return None

    def _answer(self, scope: Scope, body: Any) -> HttpResponseBase:
        """The whole of Django's request cycle, in this thread."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: HttpResponseBase = refusal or self._sync.get_response(request)  # type: ignore[arg-type]
        response._handler_class = self.__class__  # type: ignore[attr-defined]
        if not response.streaming:
            response.close()
        elif isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        return response

    async def _deliver(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        """Send the response; a client that leaves ends it."""
        if not isinstance(response, StreamingHttpResponse):
            await self.send_response(response, send)
            return
        if not response.is_async:
            response = self._threaded(response)
        sending = asyncio.create_task(self.send_response(response, send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    def _threaded(self, response: StreamingHttpResponse) -> StreamingHttpResponse:
        """A file read part by part in a thread; Django would read all of it into memory first."""
        parts = iter(response)

        async def read() -> AsyncIterator[bytes]:
            while part := await self._in_page_thread(next, parts, b""):
                yield part

        response.streaming_content = read()
        return response


def _match(scope: Scope) -> ResolverMatch | None:
    """What the path leads to, or None: then Django says 404 as it likes."""
    path = scope["path"]
    prefix = get_script_prefix(scope).rstrip("/")
    try:
        return resolve(path[len(prefix) :] if prefix and path.startswith(prefix) else path)
    except Resolver404:
        return None


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def start_up() -> None:
    """Replies that a process left unfinished are marked, so that people can ask again."""
    try:
        count = await in_rows(interrupt_dead)
    except DatabaseError as error:
        log.warning("chat.start-up", error=str(error))
    else:
        if count:
            log.info("chat.replies-interrupted", count=count)


async def shut_down() -> None:
    """Replies that are being written end here, with their text kept."""
    await finish_all()
    await close_sessions()


async def _say_disk_full(receive: Receive, send: Send) -> None:
    """Answer an upload that the temporary folder has no room for, once its sender listens."""
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass
    text = "The disk of the server is full. Free some space and send it again."
    body = json.dumps({"code": "disk-full", "message": text}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 507, "headers": headers})
    await send({"type": "http.response.body", "body": body})
