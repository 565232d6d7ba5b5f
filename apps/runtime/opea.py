"""Client of OPEA's microservices and of TEI: one JSON request, its answer, its failures in words."""

from __future__ import annotations

from typing import Any

import orjson

from apps.runtime.errors import ServiceBroke
from apps.runtime.resources import ModelServer
from apps.runtime.servers import ask_bytes


async def post(server: ModelServer, path: str, body: Any, *, timeout_s: float | None = None) -> Any:
    """The JSON that the service answers with. path: without its first slash, "v1/guardrails".

    For requests that change nothing at the service: one that dies on a kept connection before its
    first byte is made once more. timeout_s: for the whole answer; if None, the patience that the
    connection has for a model's first token. Raises ServiceFault.
    """
    limit_s = timeout_s or server.first_token_timeout_s
    data = await ask_bytes(server, "POST", path, body, timeout_s=limit_s)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise unfit(server, f"it did not answer /{path} with JSON") from error


def unfit(server: ModelServer, reason: str) -> ServiceBroke:
    """The failure of an answer that is not what the protocol says."""
    return ServiceBroke(service=server.name, reason=reason)
