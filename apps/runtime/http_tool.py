"""One call of an HTTP service below a connection's address: bounded in time and size, JSON in and out.

The address and the key are the connection's, so that no text can lead a key elsewhere.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

import orjson
from pydantic import Field

from apps.runtime.adapters.base import Params
from apps.runtime.errors import KeyRefused, RateLimited, ServiceBroke, ServiceRefused, UserFault
from apps.runtime.resources import ModelServer
from apps.runtime.servers import limited, network_faults, send

ANSWER_BYTES: Final = 256 * 1024
VALUE_CHARS: Final = 2_000
_PLACE = re.compile(r"\{(\w+)\}")


class ArgumentUnfit(UserFault):
    code = "tool.argument-unfit"
    sentence = "The tool {tool} cannot be called: {reason}."


class ToolRefused(ServiceRefused):
    code = "tool.refused"
    sentence = "{service} answered the tool {tool} with HTTP {status}."


class ResultMissing(ServiceBroke):
    code = "tool.result-missing"
    sentence = "What {service} answered the tool {tool} holds no {path}."


class Argument(Params):
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")
    type: Literal["text", "number", "boolean"] = "text"
    description: str = Field(default="", max_length=500)
    required: bool = True


class HttpTool(Params):
    """path: below the connection's address, with {argument}; other arguments go into the query of a GET
    and the JSON body of a POST. result: where in the answer, as data.items.0.name; "" is all."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")
    description: str = Field(default="", max_length=1000)
    connection: str
    method: Literal["GET", "POST"] = "GET"
    path: str = Field(default="", max_length=500, pattern=r"^[^?#\s]*$")
    arguments: tuple[Argument, ...] = Field(default=(), max_length=20)
    result: str = Field(default="", max_length=200)
    timeout_s: float = Field(default=20, gt=0, le=120)


async def call(tool: HttpTool, server: ModelServer, given: Mapping[str, Any]) -> Any:
    """The JSON value that the service answers, or its text where that is no JSON.

    Raises ArgumentUnfit, and ServiceFault for what the service does.
    """
    path, body = _request(tool, _checked(tool, given))
    with network_faults(server):
        async with (
            asyncio.timeout(server.connect_timeout_s + tool.timeout_s),
            await send(server, tool.method, path, body) as response,
        ):
            if response.status in (401, 403):
                raise KeyRefused(service=server.name)
            if response.status == 429:
                raise RateLimited(service=server.name, wait="")
            if not 200 <= response.status < 300:
                raise ToolRefused(service=server.name, tool=tool.name, status=response.status)
            data = await limited(response, ANSWER_BYTES + 1)
    if len(data) > ANSWER_BYTES:
        reason = f"its answer to {tool.name} is longer than {ANSWER_BYTES // 1024} KiB"
        raise ServiceBroke(service=server.name, reason=reason)
    return _result(tool, server, data)


def _checked(tool: HttpTool, given: Mapping[str, Any]) -> dict[str, Any]:
    known = {argument.name: argument for argument in tool.arguments}
    for name in given:
        if name not in known:
            raise ArgumentUnfit(tool=tool.name, reason=f"it has no argument {name}")
    values: dict[str, Any] = {}
    for name, argument in known.items():
        value = given.get(name)
        if value is None:
            if argument.required:
                raise ArgumentUnfit(tool=tool.name, reason=f"its argument {name} is missing")
            continue
        kinds: dict[str, Any] = {"text": str, "number": (int, float), "boolean": bool}
        fits = isinstance(value, kinds[argument.type])
        if not fits or (argument.type == "number" and isinstance(value, bool)):
            raise ArgumentUnfit(tool=tool.name, reason=f"{name} must be a {argument.type}")
        if isinstance(value, str) and len(value) > VALUE_CHARS:
            reason = f"{name} is longer than {VALUE_CHARS} characters"
            raise ArgumentUnfit(tool=tool.name, reason=reason)
        values[name] = value
    return values


def _request(tool: HttpTool, values: Mapping[str, Any]) -> tuple[str, dict[str, Any] | None]:
    used: set[str] = set()

    def placed(match: re.Match[str]) -> str:
        name = match[1]
        value = _plain(values.get(name, ""))
        if not value or value in (".", ".."):
            raise ArgumentUnfit(tool=tool.name, reason=f"{name} cannot stand in its path")
        used.add(name)
        return quote(value, safe="")

    path = _PLACE.sub(placed, tool.path).lstrip("/")
    rest = {name: value for name, value in values.items() if name not in used}
    if tool.method == "POST":
        return path, rest
    query = urlencode({name: _plain(value) for name, value in rest.items()})
    return (f"{path}?{query}" if query else path), None


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _result(tool: HttpTool, server: ModelServer, data: bytes) -> Any:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = data.decode("utf-8", "replace")
    for part in tool.result.split(".") if tool.result else ():
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (LookupError, TypeError, ValueError) as error:
            raise ResultMissing(service=server.name, tool=tool.name, path=tool.result) from error
    return value
