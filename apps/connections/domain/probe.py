"""Asks a server whether it is what a connection needs: lists its models, then has one say a word.

Answers with a result in words, never with an exception. Redirects are not followed, answers are
read up to 1 MiB, and the connection goes to the address that was checked.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict, dataclass
from typing import Any, Literal

import aiohttp

from apps.connections.domain.asking import Answer, Fault, ask, open_session, said
from apps.connections.domain.guard import check_url
from apps.connections.errors import AddressRefused, UrlRefused

LIST_TIMEOUT_S = 15.0
CHAT_TIMEOUT_S = 60.0
"""A model that is loaded on the first request may take this long."""
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


async def probe(
    base_url: str, api_key: str = "", model: str = "", *, allow_private: bool
) -> ProbeResult:
    """Test a server live. model: the one to ask; the first that looks like a chat model if empty."""
    try:
        target = check_url(base_url, allow_private=allow_private)
    except (UrlRefused, AddressRefused) as error:
        return ProbeResult("failed", error.code, str(error), base_url=base_url)
    async with open_session(api_key, lambda: allow_private) as session:
        try:
            models, models_ms = await _models(session, target.url)
        except Fault as fault:
            return ProbeResult("failed", fault.code, fault.message, base_url=target.url)
        chosen = model or _first_chat_model(models)
        try:
            reply, reply_ms = await _reply(session, target.url, chosen)
        except Fault as fault:
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
        async with asyncio.timeout(timeout_s), open_session("", lambda: True) as session:
            answer = await ask(session, "GET", f"{base_url}/models", None, timeout_s)
    except (Fault, TimeoutError):
        return None
    rows = _rows(answer.json()) if answer.status == 200 else None
    if not rows:
        return None
    owner = next((str(row.get("owned_by", "")) for row in rows), "")
    return _names(rows), owner


async def _models(session: aiohttp.ClientSession, base_url: str) -> tuple[list[str], float]:
    answer = await ask(session, "GET", f"{base_url}/models", None, LIST_TIMEOUT_S)
    if answer.status != 200:
        raise _bad_status(answer, base_url)
    rows = _rows(answer.json())
    if rows is None:
        raise Fault(
            "connections.not-openai",
            f"{base_url} answers, but not like an OpenAI-compatible server: {base_url}/models holds "
            f"no list of models. Most servers have their API below /v1.{_hint(base_url)}",
        )
    if not rows:
        raise Fault(
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
    answer = await ask(session, "POST", f"{base_url}/chat/completions", body, CHAT_TIMEOUT_S)
    if answer.status == 404:
        raise Fault(
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
        raise Fault(
            "connections.not-openai",
            f"{model} answered without choices[0].message, which is not the OpenAI protocol.",
        ) from error
    return text.strip()[:200], answer.elapsed_ms


def _bad_status(answer: Answer, base_url: str, model: str = "") -> Fault:
    status, words = answer.status, said(answer)
    if status in (401, 403):
        return Fault(
            "connections.key",
            f"the server refuses the API key (HTTP {status}){words}. Enter a valid key."
            if model
            else f"The server refuses the API key (HTTP {status}){words}. Enter a valid key.",
        )
    if 300 <= status < 400:
        return Fault(
            "connections.redirect",
            f"The server sends elsewhere (HTTP {status}), to "
            f"{answer.headers['location'][:120] or 'an unnamed place'}. Redirects are not followed; "
            "enter the final address.",
        )
    if status == 404:
        return Fault(
            "connections.path",
            f"There is no {base_url}/models (HTTP 404).{_hint(base_url)}",
        )
    if status == 429:
        return Fault(
            "connections.rate-limit",
            f"the server is over its rate limit (HTTP 429){words}. Wait and test again.",
        )
    if status >= 500:
        return Fault(
            "connections.server-error",
            f"the server fails itself (HTTP {status}){words}. Look at its log.",
        )
    what = f"{model} was refused" if model else "the list of models was refused"
    return Fault("connections.status", f"{what} (HTTP {status}){words}.")


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
