"""One guarded request of a live test, and why it failed in words.

Redirects are not followed, answers are read up to 1 MiB, and the connection goes to the address that was
checked.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp.client_exceptions import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ServerDisconnectedError,
    ServerTimeoutError,
)

from apps.connections.domain.guard import GuardedResolver
from apps.connections.errors import AddressRefused

CONNECT_TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 1024 * 1024


@dataclass(slots=True)
class Fault(Exception):
    code: str
    message: str


@dataclass(slots=True)
class Answer:
    status: int
    body: bytes
    elapsed_ms: float
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def open_session(api_key: str, allow_private: Callable[[], bool]) -> aiohttp.ClientSession:
    headers = {"Accept": "application/json", "User-Agent": "genai-studio"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    connector = aiohttp.TCPConnector(
        resolver=GuardedResolver(allow_private), limit=2, use_dns_cache=False
    )
    return aiohttp.ClientSession(connector=connector, headers=headers, trust_env=False)


async def ask(
    session: aiohttp.ClientSession, method: str, url: str, body: Any, timeout_s: float
) -> Answer:
    limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
    started = time.perf_counter()
    try:
        async with session.request(
            method, url, json=body, timeout=limits, allow_redirects=False
        ) as response:
            content = await response.content.read(MAX_ANSWER_BYTES + 1)
            while len(content) <= MAX_ANSWER_BYTES and not response.content.at_eof():
                content += await response.content.read(MAX_ANSWER_BYTES + 1 - len(content))
            headers = {"location": response.headers.get("Location", "")}
            elapsed_ms = (time.perf_counter() - started) * 1000
            return Answer(response.status, content, elapsed_ms, headers)
    except AddressRefused as error:
        raise Fault(error.code, str(error)) from error
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        raise _unreachable(error, url, timeout_s) from error


def _unreachable(error: BaseException, url: str, timeout_s: float) -> Fault:
    where = url.split("/", 3)[2]
    no_tls = f"{where} does not speak TLS here. Try http:// instead of https://."
    if isinstance(error, ClientConnectorCertificateError):
        return Fault(
            "connections.tls",
            f"The certificate of {where} is not trusted: {_cause(error)}. Install its authority on "
            "this machine, or use http:// on a network you trust.",
        )
    if isinstance(error, ClientConnectorSSLError):
        return Fault("connections.tls", no_tls)
    if isinstance(error, ClientConnectorDNSError):
        return Fault(
            "connections.dns",
            f"The name {where.rpartition(':')[0] or where} is not known. Check the spelling, or use "
            "the server's IP address.",
        )
    if isinstance(error, (ServerTimeoutError, TimeoutError)):
        return Fault(
            "connections.timeout",
            f"{where} did not answer within {timeout_s:.0f} s. Check that the server runs, is not "
            "overloaded, and that no firewall lies between.",
        )
    if isinstance(error, ClientConnectorError):
        if isinstance(error.os_error, ConnectionResetError) and url.startswith("https:"):
            return Fault("connections.tls", no_tls)
        refused = isinstance(error.os_error, ConnectionRefusedError)
        why = "refuses connections" if refused else f"cannot be reached ({_cause(error)})"
        return Fault(
            "connections.refused" if refused else "connections.unreachable",
            f"{where} {why}. Check that the server runs and that the port is right.",
        )
    if isinstance(error, ServerDisconnectedError):
        return Fault(
            "connections.closed",
            f"{where} closed the connection without an answer. If the server uses TLS, write "
            "https://.",
        )
    return Fault(
        "connections.not-http",
        f"{where} answers, but not in HTTP. Check the port and http:// or https://.",
    )


def _cause(error: BaseException) -> str:
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    text = getattr(inner, "verify_message", "") or getattr(inner, "strerror", "") or str(inner)
    return " ".join(str(text).split())[:160]


def said(answer: Answer) -> str:
    """The server's own words, if it sent an OpenAI error object."""
    body = answer.json()
    error = body.get("error") if isinstance(body, dict) else None
    text = error.get("message") if isinstance(error, dict) else error
    return f": “{' '.join(text.split())[:160].rstrip('.')}”" if isinstance(text, str) else ""
