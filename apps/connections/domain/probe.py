"""Asks a server whether it is what a connection needs: lists its models, then has one say a word.

Answers with a result in words, never with an exception. Redirects are not followed, answers are
read up to 1 MiB, and the connection goes to the address that was checked.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

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

from apps.connections.domain.guard import GuardedResolver, check_url
from apps.connections.errors import AddressRefused, UrlRefused

CONNECT_TIMEOUT_S = 5.0
LIST_TIMEOUT_S = 15.0
CHAT_TIMEOUT_S = 60.0
"""A model that is loaded on the first request may take this long."""
MAX_ANSWER_BYTES = 1024 * 1024
MAX_MODELS = 500
NOT_FOR_CHAT = re.compile(r"embed|rerank|bge-|whisper|tts|clip\b|moderation|dall-e", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a live test found.

    outcome     "ok"; "partly" if the models are listed and none answered; "failed" otherwise
    code        the cause, "ok" or dotted like every other code
    message     what was found and what to do, for people
    models_ms, reply_ms   latency of the list and of a short reply, None where there was none
    """

    outcome: Literal["ok", "partly", "failed"]
    code: str
    message: str
    models: tuple[str, ...] = ()
    model: str = ""
    models_ms: float | None = None
    reply_ms: float | None = None
    reply: str = ""
    base_url: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "models": list(self.models)}


@dataclass(slots=True)
class _Fault(Exception):
    code: str
    message: str


@dataclass(slots=True)
class _Answer:
    status: int
    body: bytes
    elapsed_ms: float
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


async def probe(
    base_url: str, api_key: str = "", model: str = "", *, allow_private: bool
) -> ProbeResult:
    """Test a server live. model: the one to ask; the first that looks like a chat model if empty."""
    try:
        target = check_url(base_url, allow_private=allow_private)
    except (UrlRefused, AddressRefused) as error:
        return ProbeResult("failed", error.code, str(error), base_url=base_url)
    async with _session(api_key, lambda: allow_private) as session:
        try:
            models, models_ms = await _models(session, target.url)
        except _Fault as fault:
            return ProbeResult("failed", fault.code, fault.message, base_url=target.url)
        chosen = model or _first_chat_model(models)
        try:
            reply, reply_ms = await _reply(session, target.url, chosen)
        except _Fault as fault:
            return ProbeResult(
                "partly",
                fault.code,
                f"The server lists {_count(models)}, but {fault.message}",
                tuple(models),
                chosen,
                models_ms,
                base_url=target.url,
            )
    return ProbeResult(
        "ok",
        "ok",
        f"{chosen} answers. The server lists {_count(models)}.",
        tuple(models),
        chosen,
        models_ms,
        reply_ms,
        reply,
        target.url,
    )


async def list_models(base_url: str, *, timeout_s: float) -> tuple[list[str], str] | None:
    """Model names and the server's owner word ("vllm"), or None if no such server answers there.

    For looking around on this machine: refuses nothing, takes no key.
    """
    try:
        async with asyncio.timeout(timeout_s), _session("", lambda: True) as session:
            answer = await _ask(session, "GET", f"{base_url}/models", None, timeout_s)
    except (_Fault, TimeoutError):
        return None
    rows = _rows(answer.json()) if answer.status == 200 else None
    if not rows:
        return None
    owner = next((str(row.get("owned_by", "")) for row in rows), "")
    return _names(rows), owner


def _session(api_key: str, allow_private: Callable[[], bool]) -> aiohttp.ClientSession:
    headers = {"Accept": "application/json", "User-Agent": "genai-studio"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    connector = aiohttp.TCPConnector(
        resolver=GuardedResolver(allow_private), limit=2, use_dns_cache=False
    )
    return aiohttp.ClientSession(connector=connector, headers=headers, trust_env=False)


async def _models(session: aiohttp.ClientSession, base_url: str) -> tuple[list[str], float]:
    answer = await _ask(session, "GET", f"{base_url}/models", None, LIST_TIMEOUT_S)
    if answer.status != 200:
        raise _bad_status(answer, base_url)
    rows = _rows(answer.json())
    if rows is None:
        raise _Fault(
            "connections.not-openai",
            f"{base_url} answers, but not like an OpenAI-compatible server: {base_url}/models holds "
            f"no list of models. Most servers have their API below /v1.{_hint(base_url)}",
        )
    if not rows:
        raise _Fault(
            "connections.no-models",
            "The server is OpenAI-compatible but serves no model. Load one there, then test again.",
        )
    return _names(rows), answer.elapsed_ms


async def _reply(session: aiohttp.ClientSession, base_url: str, model: str) -> tuple[str, float]:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "Say: ready"}],
        "max_tokens": 16,
        "stream": False,
    }
    answer = await _ask(session, "POST", f"{base_url}/chat/completions", body, CHAT_TIMEOUT_S)
    if answer.status == 404:
        raise _Fault(
            "connections.no-chat",
            f"{model} cannot chat: the server knows no /chat/completions for it. Choose a model "
            "made for chat.",
        )
    if answer.status != 200:
        raise _bad_status(answer, base_url, model)
    try:
        message = answer.json()["choices"][0]["message"]
        text = str(message.get("content") or message.get("reasoning_content") or "")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise _Fault(
            "connections.not-openai",
            f"{model} answered without choices[0].message, which is not the OpenAI protocol.",
        ) from error
    return text.strip()[:200], answer.elapsed_ms


async def _ask(
    session: aiohttp.ClientSession, method: str, url: str, body: Any, timeout_s: float
) -> _Answer:
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
            return _Answer(response.status, content, elapsed_ms, headers)
    except AddressRefused as error:
        raise _Fault(error.code, str(error)) from error
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        raise _unreachable(error, url, timeout_s) from error


def _unreachable(error: BaseException, url: str, timeout_s: float) -> _Fault:
    where = url.split("/", 3)[2]
    no_tls = f"{where} does not speak TLS here. Try http:// instead of https://."
    if isinstance(error, ClientConnectorCertificateError):
        return _Fault(
            "connections.tls",
            f"The certificate of {where} is not trusted: {_cause(error)}. Install its authority on "
            "this machine, or use http:// on a network you trust.",
        )
    if isinstance(error, ClientConnectorSSLError):
        return _Fault("connections.tls", no_tls)
    if isinstance(error, ClientConnectorDNSError):
        return _Fault(
            "connections.dns",
            f"The name {where.rpartition(':')[0] or where} is not known. Check the spelling, or use "
            "the server's IP address.",
        )
    if isinstance(error, (ServerTimeoutError, TimeoutError)):
        return _Fault(
            "connections.timeout",
            f"{where} did not answer within {timeout_s:.0f} s. Check that the server runs, is not "
            "overloaded, and that no firewall lies between.",
        )
    if isinstance(error, ClientConnectorError):
        if isinstance(error.os_error, ConnectionResetError) and url.startswith("https:"):
            return _Fault("connections.tls", no_tls)
        refused = isinstance(error.os_error, ConnectionRefusedError)
        why = "refuses connections" if refused else f"cannot be reached ({_cause(error)})"
        return _Fault(
            "connections.refused" if refused else "connections.unreachable",
            f"{where} {why}. Check that the server runs and that the port is right.",
        )
    if isinstance(error, ServerDisconnectedError):
        return _Fault(
            "connections.closed",
            f"{where} closed the connection without an answer. If the server uses TLS, write "
            "https://.",
        )
    return _Fault(
        "connections.not-http",
        f"{where} answers, but not in HTTP. Check the port and http:// or https://.",
    )


def _cause(error: BaseException) -> str:
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    text = getattr(inner, "verify_message", "") or getattr(inner, "strerror", "") or str(inner)
    return " ".join(str(text).split())[:160]


def _bad_status(answer: _Answer, base_url: str, model: str = "") -> _Fault:
    status, said = answer.status, _said(answer)
    if status in (401, 403):
        return _Fault(
            "connections.key",
            f"the server refuses the API key (HTTP {status}){said}. Enter a valid key."
            if model
            else f"The server refuses the API key (HTTP {status}){said}. Enter a valid key.",
        )
    if 300 <= status < 400:
        return _Fault(
            "connections.redirect",
            f"The server sends elsewhere (HTTP {status}), to "
            f"{answer.headers['location'][:120] or 'an unnamed place'}. Redirects are not followed; "
            "enter the final address.",
        )
    if status == 404:
        return _Fault(
            "connections.path",
            f"There is no {base_url}/models (HTTP 404).{_hint(base_url)}",
        )
    if status == 429:
        return _Fault(
            "connections.rate-limit",
            f"the server is over its rate limit (HTTP 429){said}. Wait and test again.",
        )
    if status >= 500:
        return _Fault(
            "connections.server-error",
            f"the server fails itself (HTTP {status}){said}. Look at its log.",
        )
    what = f"{model} was refused" if model else "the list of models was refused"
    return _Fault("connections.status", f"{what} (HTTP {status}){said}.")


def _said(answer: _Answer) -> str:
    """The server's own words, if it sent an OpenAI error object."""
    body = answer.json()
    error = body.get("error") if isinstance(body, dict) else None
    text = error.get("message") if isinstance(error, dict) else error
    return f": “{' '.join(text.split())[:160].rstrip('.')}”" if isinstance(text, str) else ""


def _hint(base_url: str) -> str:
    return "" if base_url.endswith("/v1") else f" Try {base_url}/v1."


def _rows(body: Any) -> list[dict[str, Any]] | None:
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        return None
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]


def _names(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["id"][:200] for row in rows))[:MAX_MODELS]


def _first_chat_model(models: list[str]) -> str:
    return next((name for name in models if not NOT_FOR_CHAT.search(name)), models[0])


def _count(models: list[str]) -> str:
    return "1 model" if len(models) == 1 else f"{len(models)} models"
