"""Requests to model servers: one way to send, one way to say what went wrong.

Every failure leaves here as a StudioError that says what to do; none carries the API key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import aiohttp
import orjson

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
    ServiceWrong,
)
from apps.runtime.resources import ModelServer

BODY_LIMIT_BYTES = 64 * 1024 * 1024
ERROR_LIMIT_BYTES = 64 * 1024
REASON_LIMIT = 300
DRAIN_S = 2.0
NETWORK_FAULTS = (aiohttp.ClientError, OSError)

_drains: set[asyncio.Task[None]] = set()

Form = Callable[[], aiohttp.FormData]
"""Makes a multipart body; called again where a request is sent again."""


async def ask(
    server: ModelServer,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    form: Form | None = None,
    model: str = "",
    timeout_s: float | None = None,
) -> dict[str, Any]:
    """One request and its JSON object. model: as an error names it, where the body does not.

    Raises ServiceFault.
    """
    data = await ask_bytes(server, method, path, body, form=form, model=model, timeout_s=timeout_s)
    return _object(server, data)


async def ask_bytes(
    server: ModelServer,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    form: Form | None = None,
    model: str = "",
    timeout_s: float | None = None,
) -> bytes:
    """One request and its whole answer. timeout_s: of everything, stall_timeout_s if None."""
    whole_s = server.connect_timeout_s + (timeout_s or server.stall_timeout_s)
    with network_faults(server):
        async with (
            asyncio.timeout(whole_s),
            await send(server, method, path, body, form=form) as response,
        ):
            if response.status == 200:
                return await limited(response, BODY_LIMIT_BYTES)
            reason = await reason_of(server, response)
    raise refusal(server, model or str((body or {}).get("model", "")), response, reason)


async def send(
    server: ModelServer,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    form: Form | None = None,
) -> aiohttp.ClientResponse:
    """One request; once more on a new connection where a kept one was dead before its first byte.

    Redirects are not followed: they could lead where connections must not lead.
    """

    def data() -> Any:
        return form() if form else (None if body is None else orjson.dumps(body))

    headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    noted: dict[str, bool] = {}
    options: dict[str, Any] = {
        "headers": headers,
        "allow_redirects": False,
        "timeout": aiohttp.ClientTimeout(total=None, sock_connect=server.connect_timeout_s),
        "trace_request_ctx": noted,
    }
    url = f"{server.base_url.rstrip('/')}/{path}"
    try:
        return await http.session().request(method, url, data=data(), **options)
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        if not noted.get("reused"):
            raise
    return await http.fresh_session().request(method, url, data=data(), **options)


@contextmanager
def network_faults(server: ModelServer, *, answered: bool = False) -> Iterator[None]:
    try:
        yield
    except NETWORK_FAULTS as error:
        raise fault(server, error, answered=answered) from error


def fault(server: ModelServer, error: BaseException, *, answered: bool) -> ServiceFault:
    """What the network did, in the words people know. answered: whether its headers had come."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        reason = f"no connection within {server.connect_timeout_s:g} s"
    elif isinstance(error, aiohttp.ClientConnectorError):
        refused = isinstance(error.os_error, ConnectionRefusedError)
        said = error.os_error.strerror or str(error.os_error)
        reason = "it refuses connections" if refused else _clean(server, said)
    elif isinstance(error, aiohttp.InvalidURL):
        reason = "its address is not a valid URL"
    elif answered and isinstance(error, TimeoutError):
        return ServiceBroke(service=server.name, reason="it sent nothing more in time")
    elif isinstance(error, TimeoutError):
        reason = "it took the request and sent nothing in time"
    elif answered or isinstance(error, aiohttp.ClientPayloadError):
        return ServiceBroke(service=server.name, reason="the connection was cut")
    elif isinstance(error, (aiohttp.ServerConnectionError, OSError)):
        reason = "it closed the connection without an answer"
    else:
        return no_protocol(server, "it does not speak HTTP as expected")
    return ServiceUnavailable(service=server.name, reason=reason)


def release(response: aiohttp.ClientResponse) -> None:
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


async def json_body(server: ModelServer, response: aiohttp.ClientResponse) -> dict[str, Any]:
    return _object(server, await limited(response, BODY_LIMIT_BYTES))


def _object(server: ModelServer, data: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise no_protocol(server, "it did not answer with JSON") from error
    if not isinstance(body, dict):
        raise no_protocol(server, "it did not answer with a JSON object")
    return body


async def limited(response: aiohttp.ClientResponse, limit: int) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > limit:
            response.close()
            break
    return bytes(data[:limit])


async def reason_of(server: ModelServer, response: aiohttp.ClientResponse) -> str:
    """What the server says about its refusal, shortened to a sentence."""
    data = await limited(response, ERROR_LIMIT_BYTES)
    response.release()
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return f"HTTP {response.status}"
    return words_of(server, body.get("error", body) if isinstance(body, dict) else body)


def words_of(server: ModelServer, error: Any) -> str:
    """The message in one of the forms servers send: {message}, {detail}, a string, a list."""
    if isinstance(error, dict):
        error = error.get("message") or error.get("detail") or error
    text = error if isinstance(error, str) else orjson.dumps(error).decode(errors="replace")
    return _clean(server, text)


def _clean(server: ModelServer, text: str) -> str:
    if server.api_key:
        text = text.replace(server.api_key, "***")
    return " ".join(text.split())[:REASON_LIMIT].rstrip(".")


def refusal(
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
        return no_protocol(server, f"HTTP {status}")
    return ServiceRefused(service=service, reason=reason)


def no_protocol(server: ModelServer, reason: str) -> ServiceRefused:
    if server.kind == "opea":
        return ServiceWrong(service=server.name, url=server.base_url, reason=reason)
    return AddressWrong(service=server.name, url=server.base_url, reason=reason)
