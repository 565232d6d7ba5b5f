"""Asks whether an OPEA microservice, TEI or any other HTTP service is there and well."""

from __future__ import annotations

from typing import Any

import aiohttp

from apps.connections.domain.asking import Answer, Fault, ask, open_session, said
from apps.connections.domain.guard import Target, check_url
from apps.connections.domain.probe import LIST_TIMEOUT_S, ProbeResult
from apps.connections.errors import AddressRefused, UrlRefused

HEALTH = ("/v1/health_check", "/health")
"""OPEA's own services have both; TEI, whisper and speecht5 only the second."""
NOT_THERE = (404, 405)


async def probe_opea(base_url: str, api_key: str = "", *, allow_private: bool) -> ProbeResult:
    """Healthy or not, under which name, and for TEI with which model. Never raises for what it does."""
    target = _target(base_url, allow_private=allow_private)
    if isinstance(target, ProbeResult):
        return target
    async with open_session(api_key, lambda: allow_private) as session:
        try:
            answer = await _health(session, target.url)
            model = await _model(session, target.url)
        except Fault as fault:
            return ProbeResult("failed", fault.code, fault.message, base_url=target.url)
    models = (model,) if model else ()
    message = f"{_named(answer.json())} is healthy." + (f" It serves {model}." if model else "")
    return ProbeResult(
        "ok", "ok", message, models, model, reply_ms=answer.elapsed_ms, base_url=target.url
    )


async def probe_http(base_url: str, api_key: str = "", *, allow_private: bool) -> ProbeResult:
    """Whether something answers at the address, whatever it is."""
    target = _target(base_url, allow_private=allow_private)
    if isinstance(target, ProbeResult):
        return target
    async with open_session(api_key, lambda: allow_private) as session:
        try:
            answer = await ask(session, "GET", target.url, None, LIST_TIMEOUT_S)
            if answer.status >= 500 or answer.status in (401, 403):
                raise _refused(answer)
        except Fault as fault:
            return ProbeResult("failed", fault.code, fault.message, base_url=target.url)
    message = f"The service answers (HTTP {answer.status} at its base address)."
    return ProbeResult("ok", "ok", message, reply_ms=answer.elapsed_ms, base_url=target.url)


def _target(base_url: str, *, allow_private: bool) -> Target | ProbeResult:
    try:
        return check_url(base_url, allow_private=allow_private)
    except (UrlRefused, AddressRefused) as error:
        return ProbeResult("failed", error.code, str(error), base_url=base_url)


async def _health(session: aiohttp.ClientSession, base_url: str) -> Answer:
    for path in HEALTH:
        answer = await ask(session, "GET", base_url + path, None, LIST_TIMEOUT_S)
        if answer.status == 200:
            return answer
        if answer.status not in NOT_THERE:
            raise _refused(answer)
    raise Fault(
        "connections.not-opea",
        f"{base_url} answers, but has neither {HEALTH[0]} nor {HEALTH[1]}, as OPEA's services do. "
        "The address ends before those paths, as in http://localhost:9090.",
    )


async def _model(session: aiohttp.ClientSession, base_url: str) -> str:
    """What TEI and TGI say of themselves; others have no such path."""
    answer = await ask(session, "GET", f"{base_url}/info", None, LIST_TIMEOUT_S)
    body = answer.json() if answer.status == 200 else None
    model = body.get("model_id") if isinstance(body, dict) else None
    return model[:200] if isinstance(model, str) else ""


def _named(body: Any) -> str:
    title = body.get("Service Title") if isinstance(body, dict) else None
    return str(title)[:80] if title else "The service"


def _refused(answer: Answer) -> Fault:
    if answer.status in (401, 403):
        message = f"The service refuses the API key (HTTP {answer.status}). Enter a valid key."
        return Fault("connections.key", message)
    message = f"The service is not well (HTTP {answer.status}){said(answer)}. Look at its log."
    return Fault("connections.server-error", message)
