"""Client of OPEA's microservices and of TEI: one JSON request, its answer, its failures in words."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import orjson

from apps.runtime import http
from apps.runtime.errors import (
    KeyRefused,
    RateLimited,
    ServiceBroke,
    ServiceFault,
    ServiceRefused,
    ServiceUnavailable,
)
from apps.runtime.resources import ModelServer

ANSWER_LIMIT_BYTES = 64 * 1024 * 1024
REASON_LIMIT = 300


class PathUnknown(ServiceRefused):
    code = "service.path-unknown"
    sentence = (
        "{service} has no {path} at {url}. Check that it is the right OPEA service and that the "
        "address ends before that path."
    )


async def post(server: ModelServer, path: str, body: Any, *, timeout_s: float | None = None) -> Any:
    """The JSON that the service answers with. path: with its slash, "/v1/guardrails".

    For requests that change nothing at the service: one that dies on a kept connection before its
    first byte is made once more. timeout_s: for the whole answer; the server's own patience if None.
    Raises ServiceFault.
    """
    return await request(server, "POST", path, body, timeout_s=timeout_s)


async def request(
    server: ModelServer,
    method: str,
    path: str,
    body: Any = None,
    *,
    timeout_s: float | None = None,
) -> Any:
    """As `post`, with any method; body None sends none."""
    limit_s = timeout_s or server.connect_timeout_s + server.first_token_timeout_s
    answered = False
    try:
        async with asyncio.timeout(limit_s):
            response = await _send(server, method, path, body)
            answered = True
            async with response:
                data = await _limited(server, response)
    except ServiceFault:
        raise
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise _fault(server, error, limit_s, answered=answered) from error
    if response.status != 200:
        raise _refusal(server, path, response, data)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise unfit(server, f"it did not answer {path} with JSON") from error


def unfit(server: ModelServer, reason: str) -> ServiceBroke:
    """The failure of an answer that is not what the protocol says."""
    return ServiceBroke(service=server.name, reason=reason)


async def _send(server: ModelServer, method: str, path: str, body: Any) -> aiohttp.ClientResponse:
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
    url = server.base_url.rstrip("/") + path
    try:
        return await http.session().request(method, url, **options)
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        if not noted.get("reused"):
            raise
    return await http.fresh_session().request(method, url, **options)


async def _limited(server: ModelServer, response: aiohttp.ClientResponse) -> bytes:
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > ANSWER_LIMIT_BYTES:
            response.close()
            raise unfit(server, f"its answer is longer than {ANSWER_LIMIT_BYTES // 2**20} MiB")
    return bytes(data)


def _fault(
    server: ModelServer, error: BaseException, limit_s: float, *, answered: bool
) -> ServiceFault:
    """answered: whether its headers had come."""
    if answered:
        reason = "it sent nothing more in time"
        if not isinstance(error, TimeoutError):
            reason = "the connection was cut"
        return unfit(server, reason)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        reason = f"no connection within {server.connect_timeout_s:g} s"
    elif isinstance(error, TimeoutError):
        reason = f"it took the request and sent nothing within {limit_s:g} s"
    elif isinstance(error, aiohttp.ClientConnectorError):
        refused = isinstance(error.os_error, ConnectionRefusedError)
        reason = "it refuses connections" if refused else str(error.os_error)
    elif isinstance(error, aiohttp.InvalidURL):
        reason = "its address is not a valid URL"
    elif isinstance(error, (aiohttp.ServerConnectionError, OSError)):
        reason = "it closed the connection without an answer"
    else:
        reason = "it does not speak HTTP as expected"
    return ServiceUnavailable(service=server.name, reason=_clean(server, reason))


def _refusal(
    server: ModelServer, path: str, response: aiohttp.ClientResponse, data: bytes
) -> ServiceFault:
    status, service = response.status, server.name
    if status in (401, 403):
        return KeyRefused(service=service)
    if status in (404, 405) or 300 <= status < 400:
        return PathUnknown(service=service, path=path, url=server.base_url)
    if status == 429:
        wait = response.headers.get("Retry-After", "")
        return RateLimited(service=service, wait=f" (for {wait} s)" if wait.isdecimal() else "")
    reason = _clean(server, f"HTTP {status}, {_words(data)}" if data else f"HTTP {status}")
    if status == 503:
        return ServiceUnavailable(service=service, reason=reason)
    if status >= 500:
        return ServiceBroke(service=service, reason=reason)
    return ServiceRefused(service=service, reason=reason)


def _words(data: bytes) -> str:
    """What a service says about its refusal: {detail}, {error}, {message}, or plain text."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return data[: REASON_LIMIT * 4].decode(errors="replace")
    if isinstance(body, dict):
        body = body.get("detail") or body.get("error") or body.get("message") or body
    return body if isinstance(body, str) else orjson.dumps(body).decode(errors="replace")


def _clean(server: ModelServer, text: str) -> str:
    if server.api_key:
        text = text.replace(server.api_key, "***")
    return " ".join(text.split())[:REASON_LIMIT].rstrip(".")
