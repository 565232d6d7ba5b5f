"""Serves an application as an OpenAI-compatible server on a loopback port: the part that a benchmark loads.

Plan: {app, token} or {pace: {ttft_ms, itl_ms, tokens}, token}; the second is a server with a known pace,
which a generator calibrates itself against. Events: ready {port, pid}. Ends with its stdin's
parent: SIGTERM.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import orjson
from aiohttp import web

from apps.runtime.engine import run
from apps.runtime.errors import StudioError
from apps.runtime.events import Answer, Event, Token
from apps.runtime.http import close_sessions
from apps.runtime.resources import Role, RunRequest, Sampling, Turn
from worker.engines.app import App, load_app
from worker.engines.lines import emit, read_plan, run_engine

HOST = "127.0.0.1"
MAX_BODY_BYTES = 4 * 1024 * 1024
ROLES: tuple[Role, ...] = ("system", "user", "assistant")


class Server:
    """One application behind /v1/chat/completions and /health. Every request needs the token."""

    def __init__(
        self, app: App | None, token: str, pace: Mapping[str, float] | None = None
    ) -> None:
        self.app, self.token, self.pace = app, token, pace

    def application(self) -> web.Application:
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_get("/health", self.health)
        application.router.add_post("/v1/chat/completions", self.chat)
        return application

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        expected = f"Bearer {self.token}"
        if not hmac.compare_digest(request.headers.get("Authorization", ""), expected):
            return _error(401, "invalid_api_key", "Wrong token.")
        try:
            body = orjson.loads(await request.read())
            run_request = _run_request(body)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return _error(400, "bad_request", f"Not a chat completion request: {error}")
        async with aclosing(self._events(run_request)) as events:
            if body.get("stream"):
                return await _stream(request, events, str(body.get("model", "")))
            return await _whole(events, str(body.get("model", "")))

    def _events(self, request: RunRequest) -> AsyncGenerator[Event, None]:
        if self.pace is not None:
            return _paced(self.pace, request)
        if self.app is None:
            raise RuntimeError("neither an application nor a pace")
        return run(self.app.graph, request, self.app.resources)


async def _stream(
    request: web.Request, events: AsyncIterator[Event], model: str
) -> web.StreamResponse:
    """Events as they come. Headers leave with the first token, so that an early failure is an HTTP error."""
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    )
    head = orjson.dumps({"id": f"chatcmpl-{uuid.uuid4().hex}", "object": "chat.completion.chunk", "created": int(time.time()), "model": model})[:-1]  # fmt: skip
    opened = False

    async def send(rest: bytes) -> None:
        nonlocal opened
        if not opened:
            await response.prepare(request)
            opened = True
        await response.write(b"data: " + head + rest + b"}\n\n")

    try:
        async for event in events:
            if isinstance(event, Token):
                role = b"" if opened else b'"role":"assistant",'
                content = orjson.dumps(event.text)
                await send(b',"choices":[{"index":0,"delta":{' + role + b'"content":' + content + b'},"finish_reason":null}]')  # fmt: skip
            elif isinstance(event, Answer):
                reason = orjson.dumps(event.finish_reason)
                await send(b',"choices":[{"index":0,"delta":{},"finish_reason":' + reason + b"}]")
                if event.completion_tokens:
                    await send(b',"choices":[],"usage":' + orjson.dumps(_usage(event)))
    except StudioError as error:
        if not opened:
            return _error(error.status if error.status >= 400 else 502, error.code, str(error))
        await response.write(b"data: " + orjson.dumps({"error": {"message": str(error), "code": error.code}}) + b"\n\n")  # fmt: skip
        return response
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def _whole(events: AsyncIterator[Event], model: str) -> web.Response:
    answer = Answer("")
    try:
        async for event in events:
            if isinstance(event, Answer):
                answer = event
    except StudioError as error:
        return _error(error.status if error.status >= 400 else 502, error.code, str(error))
    message = {"role": "assistant", "content": answer.text}
    choice = {"index": 0, "message": message, "finish_reason": answer.finish_reason}
    return web.json_response(
        {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model,
            "choices": [choice],
            "usage": _usage(answer),
        }
    )


async def _paced(pace: Mapping[str, float], request: RunRequest) -> AsyncGenerator[Event, None]:
    """Tokens on an absolute schedule: token i at ttft_ms + i * itl_ms after arrival."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    count = min(int(pace["tokens"]), request.sampling.max_tokens or int(pace["tokens"]))
    for index in range(count):
        due = started + (pace["ttft_ms"] + index * pace["itl_ms"]) / 1e3
        await asyncio.sleep(max(0.0, due - loop.time()))
        yield Token("pace", " word")
    yield Answer(" word" * count, completion_tokens=count)


def _run_request(body: Mapping[str, Any]) -> RunRequest:
    turns = [_turn(message) for message in body["messages"]]
    if not turns or turns[-1].role != "user":
        raise ValueError("the last message must be the user's")
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    sampling = Sampling(
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        top_k=body.get("top_k"),
        max_tokens=int(limit) if limit else None,
    )
    return RunRequest(turns, sampling)


def _turn(message: Mapping[str, Any]) -> Turn:
    role, content = message["role"], message["content"]
    if role not in ROLES or not isinstance(content, str):
        raise ValueError("every message needs a role and a text")
    return Turn(role, content)


def _usage(answer: Answer) -> dict[str, int]:
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
    }


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"message": message, "code": code}}, status=status)


async def serve(plan: Mapping[str, Any]) -> None:
    app = await load_app(plan["app"]) if "app" in plan else None
    server = Server(app, plan["token"], plan.get("pace"))
    runner = web.AppRunner(server.application(), access_log=None, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0, backlog=1024)
    await site.start()
    emit({"type": "ready", "port": runner.addresses[0][1], "pid": os.getpid()})
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        await close_sessions()


def main() -> None:
    run_engine(serve(read_plan()))


if __name__ == "__main__":
    main()
