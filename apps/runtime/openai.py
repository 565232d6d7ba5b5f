"""Client of OpenAI-compatible servers: streamed chat, embeddings, list of models.

Every failure leaves here as a StudioError that says what to do; none carries the API key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import asdict
from typing import Any

import aiohttp
import numpy as np
import orjson
from numpy.typing import NDArray

from apps.runtime import http
from apps.runtime.errors import (
    AddressWrong,
    KeyRefused,
    ModelUnknown,
    RateLimited,
    ServiceBroke,
    ServiceFault,
    ServiceRefused,
    ServiceUnavailable,
)
from apps.runtime.events import FinishReason
from apps.runtime.resources import ModelServer, Sampling, Turn
from apps.runtime.sse import EventParser, ProtocolError

REPLY_LIMIT_BYTES = 16 * 1024 * 1024
"""One streamed reply on the wire: over 100,000 tokens with their JSON."""
BODY_LIMIT_BYTES = 64 * 1024 * 1024
ERROR_LIMIT_BYTES = 64 * 1024
REASON_LIMIT = 300
DRAIN_S = 2.0
WATCH_S = 0.5
"""How late a stall may be noticed."""
OPTIONAL_FIELDS = ("top_k", "max_tokens", "temperature", "top_p", "stream_options")
"""Not every server takes them. One that says no to one is asked without it from then on."""
SIGNS_OF_LIFE = ("content", "reasoning_content", "reasoning")
"""Fields of a delta that count as a first token; reasoning is not part of the reply."""
NETWORK_FAULTS = (aiohttp.ClientError, OSError)

_refused: dict[tuple[str, str], frozenset[str]] = {}
_drains: set[asyncio.Task[None]] = set()

Messages = Sequence[Mapping[str, str] | Turn]


class ChatStream:
    """One streamed chat completion: iterate `texts()`, then read the fields.

    Closing the iterator closes the request, and with it the generation at the server.
    finish_reason   "stop" or "length"; set once the stream has ended properly
    usage           (prompt, completion) tokens if the server told them
    pieces          events that carried text
    """

    def __init__(
        self, server: ModelServer, model: str, messages: Messages, sampling: Sampling
    ) -> None:
        self.server, self.model = server, model
        self.finish_reason: FinishReason | None = None
        self.usage: tuple[int, int] | None = None
        self.pieces = 0
        self._messages, self._sampling = messages, sampling
        self._begun = False

    async def texts(self) -> AsyncGenerator[str, None]:
        """The pieces as they come. Raises ServiceFault; what was given before it stands."""
        deadline = asyncio.get_running_loop().time() + self.server.first_token_timeout_s
        response = await self._open(deadline)
        whole = False
        try:
            if response.content_type == "text/event-stream":
                async with aclosing(self._events(response, deadline)) as texts:
                    async for text in texts:
                        yield text
            else:
                with _network_faults(self.server, answered=True):
                    async with asyncio.timeout_at(deadline):
                        body = await _json(self.server, response)
                yield self._unstreamed(body)
            whole = True
        finally:
            if whole:
                _release(response)
            else:
                response.close()

    async def _open(self, deadline: float) -> aiohttp.ClientResponse:
        known = (self.server.base_url, self.model)
        while True:
            body = self._body(_refused.get(known, frozenset()))
            with _network_faults(self.server):
                async with asyncio.timeout_at(deadline):
                    response = await _send(self.server, "POST", "chat/completions", body)
                    if response.status == 200:
                        return response
                    reason = await _reason(self.server, response)
            complaint = _complaint(response.status, reason, body)
            if not complaint:
                raise _refusal(self.server, self.model, response, reason)
            _refused[known] = _refused.get(known, frozenset()) | {complaint}

    def _body(self, without: frozenset[str]) -> dict[str, Any]:
        sampling = {
            key: value for key, value in asdict(self._sampling).items() if value is not None
        }
        if "max_tokens" in without and "max_tokens" in sampling:
            sampling["max_completion_tokens"] = sampling.pop("max_tokens")
        body = {
            "model": self.model,
            "messages": [
                {"role": turn.role, "content": turn.content} if isinstance(turn, Turn) else turn
                for turn in self._messages
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
            **sampling,
        }
        return {key: value for key, value in body.items() if key not in without}

    async def _events(
        self, response: aiohttp.ClientResponse, deadline: float
    ) -> AsyncGenerator[str, None]:
        loop, stall_s = asyncio.get_running_loop(), self.server.stall_timeout_s
        parser, size = EventParser(), 0
        watch = _Watch(loop, response, deadline)
        try:
            while not parser.done:
                chunk = await response.content.readany()
                size += len(chunk)
                if size > REPLY_LIMIT_BYTES:
                    raise ProtocolError(f"the reply is longer than {REPLY_LIMIT_BYTES} bytes")
                if events := parser.feed(chunk) if chunk else parser.close():
                    watch.deadline = None
                    for event in events:
                        if text := self._text(event):
                            self.pieces += 1
                            yield text
                    watch.deadline = loop.time() + stall_s if self._begun else deadline
                    if parser.failed:
                        raise parser.failed
                if not chunk:
                    break
        except ProtocolError as error:
            raise ServiceBroke(service=self.server.name, reason=str(error)) from error
        except NETWORK_FAULTS as error:
            raise _fault(self.server, error, answered=True) from error
        finally:
            watch.cancel()
        if not (parser.done or self.finish_reason):
            raise ServiceBroke(
                service=self.server.name, reason="the reply ended before it was finished"
            )
        self.finish_reason = self.finish_reason or "stop"

    def _text(self, event: dict[str, Any]) -> str:
        try:
            if error := event.get("error"):
                raise ServiceBroke(service=self.server.name, reason=_words(self.server, error))
            if usage := event.get("usage"):
                self._note_usage(usage)
            if not (choices := event.get("choices")):
                return ""
            if reason := choices[0].get("finish_reason"):
                self.finish_reason = "length" if reason == "length" else "stop"
            delta = choices[0].get("delta") or {}
            self._begun = self._begun or any(delta.get(name) for name in SIGNS_OF_LIFE)
            text = delta.get("content")
        except (TypeError, AttributeError, LookupError) as error:
            raise ProtocolError("an event is not a chat completion's") from error
        return text if isinstance(text, str) else ""

    def _unstreamed(self, body: dict[str, Any]) -> str:
        """The text of a server that answers whole although a stream was asked for."""
        try:
            choice = body["choices"][0]
            text = choice["message"]["content"] or ""
            self.finish_reason = "length" if choice.get("finish_reason") == "length" else "stop"
            self._note_usage(body.get("usage") or {})
        except (LookupError, TypeError, AttributeError) as error:
            reason = "its answer is not a chat completion's"
            raise _no_protocol(self.server, reason) from error
        self.pieces = 1
        return str(text)

    def _note_usage(self, usage: dict[str, Any]) -> None:
        prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
        if isinstance(prompt, int) and isinstance(completion, int):
            self.usage = prompt, completion


class _Watch:
    """Ends a read that waits past the deadline. Moving the deadline costs nothing, which matters
    for something done with every token."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, response: aiohttp.ClientResponse, deadline: float
    ) -> None:
        self.deadline: float | None = deadline
        self._loop, self._response = loop, response
        self._arm(loop.time())

    def _arm(self, now: float) -> None:
        due = min(now + WATCH_S, self.deadline or now + WATCH_S)
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        if self.deadline is not None and self.deadline <= now:
            self._response.content.set_exception(TimeoutError("nothing more came"))
            self._response.close()
        else:
            self._arm(now)

    def cancel(self) -> None:
        self._timer.cancel()


async def list_models(server: ModelServer) -> list[str]:
    """The ids of the server's models, sorted. Raises ServiceFault."""
    body = await _ask(server, "GET", "models")
    try:
        return sorted({str(row["id"]) for row in body["data"]})
    except (LookupError, TypeError) as error:
        raise _no_protocol(server, "its list of models is none") from error


async def embeddings(server: ModelServer, model: str, texts: Sequence[str]) -> NDArray[np.float32]:
    """(n, d) as the server gives them. Raises ServiceFault."""
    body = await _ask(server, "POST", "embeddings", {"model": model, "input": list(texts)})
    try:
        rows = sorted(body["data"], key=lambda row: row["index"])
        vectors = np.array([row["embedding"] for row in rows], np.float32)
    except (LookupError, TypeError, ValueError) as error:
        raise _no_protocol(server, "its embeddings are none") from error
    if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
        raise ServiceBroke(service=server.name, reason="it sent other vectors than were asked for")
    return vectors


async def _ask(
    server: ModelServer, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    timeout_s = server.connect_timeout_s + server.stall_timeout_s
    with _network_faults(server):
        async with asyncio.timeout(timeout_s), await _send(server, method, path, body) as response:
            if response.status == 200:
                return await _json(server, response)
            reason = await _reason(server, response)
    raise _refusal(server, str((body or {}).get("model", "")), response, reason)


async def _send(
    server: ModelServer, method: str, path: str, body: dict[str, Any] | None = None
) -> aiohttp.ClientResponse:
    """One request; once more on a new connection where a kept one was dead before its first byte.

    Redirects are not followed: they could lead where connections must not lead.
    """
    headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    noted: dict[str, bool] = {}
    options: dict[str, Any] = {
        "headers": headers,
        "data": None if body is None else orjson.dumps(body),
        "allow_redirects": False,
        "timeout": aiohttp.ClientTimeout(total=None, sock_connect=server.connect_timeout_s),
        "trace_request_ctx": noted,
    }
    url = f"{server.base_url.rstrip('/')}/{path}"
    try:
        return await http.session().request(method, url, **options)
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        if not noted.get("reused"):
            raise
    return await http.fresh_session().request(method, url, **options)


@contextmanager
def _network_faults(server: ModelServer, *, answered: bool = False) -> Iterator[None]:
    try:
        yield
    except NETWORK_FAULTS as error:
        raise _fault(server, error, answered=answered) from error


def _fault(server: ModelServer, error: BaseException, *, answered: bool) -> ServiceFault:
    """What the network did, in the words people know. answered: whether its headers had come."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        reason = f"no connection within {server.connect_timeout_s:g} s"
    elif isinstance(error, aiohttp.ClientConnectorError):
        reason = _clean(server, error.os_error.strerror or str(error.os_error))
    elif isinstance(error, aiohttp.InvalidURL):
        reason = "its address is not a valid URL"
    elif answered and isinstance(error, TimeoutError):
        return ServiceBroke(service=server.name, reason="it sent nothing more in time")
    elif isinstance(error, TimeoutError):
        reason = "it took the request and sent nothing in time"
    elif answered:
        return ServiceBroke(service=server.name, reason="the connection was cut")
    elif isinstance(error, (aiohttp.ServerConnectionError, OSError)):
        reason = "it closed the connection without an answer"
    else:
        return _no_protocol(server, "it does not speak HTTP as expected")
    return ServiceUnavailable(service=server.name, reason=reason)


def _release(response: aiohttp.ClientResponse) -> None:
    """Give the connection back, in the background if the body's last bytes are still to come."""
    if response.content.at_eof():
        response.release()
        return
    task = asyncio.create_task(_drain(response))
    _drains.add(task)
    task.add_done_callback(_drains.discard)


async def _drain(response: aiohttp.ClientResponse) -> None:
    try:
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with asyncio.timeout(DRAIN_S):
                while await response.content.readany():
                    pass
    finally:
        response.release()


async def _json(server: ModelServer, response: aiohttp.ClientResponse) -> dict[str, Any]:
    data = await _limited(response, BODY_LIMIT_BYTES)
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _no_protocol(server, "it did not answer with JSON") from error
    if not isinstance(body, dict):
        raise _no_protocol(server, "it did not answer with a JSON object")
    return body


async def _limited(response: aiohttp.ClientResponse, limit: int) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > limit:
            response.close()
            break
    return bytes(data[:limit])


async def _reason(server: ModelServer, response: aiohttp.ClientResponse) -> str:
    """What the server says about its refusal, shortened to a sentence."""
    data = await _limited(response, ERROR_LIMIT_BYTES)
    response.release()
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return f"HTTP {response.status}"
    return _words(server, body.get("error", body) if isinstance(body, dict) else body)


def _words(server: ModelServer, error: Any) -> str:
    """The message in one of the forms servers send: {message}, {detail}, a string, a list."""
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or error
    text = error if isinstance(error, str) else orjson.dumps(error).decode(errors="replace")
    return _clean(server, text)


def _clean(server: ModelServer, text: str) -> str:
    if server.api_key:
        text = text.replace(server.api_key, "***")
    return " ".join(text.split())[:REASON_LIMIT].rstrip(".")


def _complaint(status: int, reason: str, body: dict[str, Any]) -> str:
    """The optional field that a 400 or 422 is about, if it is about one we sent."""
    if status not in (400, 422):
        return ""
    return next((name for name in OPTIONAL_FIELDS if name in reason and name in body), "")


def _refusal(
    server: ModelServer, model: str, response: aiohttp.ClientResponse, reason: str
) -> ServiceFault:
    status, service = response.status, server.name
    if status in (401, 403):
        return KeyRefused(service=service)
    if status == 404 and model and "model" in reason.lower():
        return ModelUnknown(service=service, model=model)
    if status == 429:
        wait = response.headers.get("Retry-After", "")
        return RateLimited(service=service, wait=f" (for {wait} s)" if wait.isdecimal() else "")
    if status == 503:
        return ServiceUnavailable(service=service, reason=reason)
    if status >= 500:
        return ServiceBroke(service=service, reason=f"HTTP {status}, {reason}")
    if status in (404, 405) or status < 400:
        return _no_protocol(server, f"HTTP {status}")
    return ServiceRefused(service=service, reason=reason)


def _no_protocol(server: ModelServer, reason: str) -> AddressWrong:
    return AddressWrong(service=server.name, url=server.base_url, reason=reason)
