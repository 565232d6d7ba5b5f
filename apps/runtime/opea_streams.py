"""Replies that OPEA's services stream, in all the forms they have.

data: b'…'                  Python's notation of bytes; a character may be cut between two of them
data: {"choices": [{"text": …}]}           a completion
data: {"choices": [{"delta": {"content": …}}]}   a chat completion
data: {"ops": [{"value": …}]}              a log of LangChain; only strings are words of the reply
{"text": …} or a chat completion           whole, where the service does not stream
"""

from __future__ import annotations

import ast
import asyncio
import codecs
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import aiohttp
import orjson

from apps.runtime.errors import ServiceBroke
from apps.runtime.events import FinishReason
from apps.runtime.resources import ModelServer
from apps.runtime.servers import (
    BODY_LIMIT_BYTES,
    NETWORK_FAULTS,
    fault,
    json_body,
    network_faults,
    reason_of,
    refusal,
    release,
    send,
)

LINE_LIMIT_BYTES = 1024 * 1024
DONE = b"[DONE]"


class OpeaStream:
    """One reply: iterate `texts()`, then read the fields. Closing the iterator closes the request.

    usage   always None: these services count nothing
    """

    def __init__(self, server: ModelServer, path: str, body: dict[str, Any]) -> None:
        self.server, self.path, self.body = server, path, body
        self.finish_reason: FinishReason | None = None
        self.usage: tuple[int, int] | None = None
        self.pieces = 0
        self._bytes = codecs.getincrementaldecoder("utf-8")("replace")
        self._done = False

    async def texts(self) -> AsyncGenerator[str, None]:
        """The pieces as they come. Raises ServiceFault; what was given before it stands."""
        response = await self._open()
        whole = False
        try:
            if response.content_type == "text/event-stream":
                async with aclosing(self._events(response)) as texts:
                    async for text in texts:
                        self.pieces += 1
                        yield text
            else:
                with network_faults(self.server, answered=True):
                    async with asyncio.timeout(self.server.first_token_timeout_s):
                        body = await json_body(self.server, response)
                self.pieces = 1
                yield self._whole(body)
            whole = True
        finally:
            if whole:
                release(response)
            else:
                response.close()
        self.finish_reason = self.finish_reason or "stop"

    async def _open(self) -> aiohttp.ClientResponse:
        with network_faults(self.server):
            async with asyncio.timeout(self.server.first_token_timeout_s):
                response = await send(self.server, "POST", self.path, self.body)
                if response.status == 200:
                    return response
                reason = await reason_of(self.server, response)
        raise refusal(self.server, "", response, reason)

    async def _events(self, response: aiohttp.ClientResponse) -> AsyncGenerator[str, None]:
        rest, size = b"", 0
        patience_s = self.server.first_token_timeout_s
        while not self._done:
            try:
                async with asyncio.timeout(patience_s):
                    chunk = await response.content.readany()
            except NETWORK_FAULTS as error:
                raise fault(self.server, error, answered=True) from error
            size += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n") if chunk else [rest, b""]
            if len(rest) > LINE_LIMIT_BYTES or size > BODY_LIMIT_BYTES:
                raise self._broke("its reply is too long")
            for line in lines:
                if line.startswith(b"data:") and (text := self._text(line[5:].strip())):
                    patience_s = self.server.stall_timeout_s
                    yield text
            if not chunk:
                break
        if not self._done and self.finish_reason is None:
            raise self._broke("the reply ended before it was finished")

    def _text(self, data: bytes) -> str:
        if not data or data == DONE:
            self._done = self._done or data == DONE
            return ""
        if data[:2] in (b"b'", b'b"'):
            return self._bytes_of(data)
        try:
            event = orjson.loads(data)
            if not isinstance(event, dict):
                raise self._broke("an event of its reply is no object")
            return self._said(event)
        except orjson.JSONDecodeError as error:
            raise self._broke("an event of its reply is not JSON") from error
        except (LookupError, TypeError, AttributeError) as error:
            raise self._broke("an event of its reply is of no known form") from error

    def _bytes_of(self, data: bytes) -> str:
        try:
            found = ast.literal_eval(data.decode("ascii", "replace"))
        except (ValueError, SyntaxError) as error:
            raise self._broke("an event of its reply is cut") from error
        if not isinstance(found, bytes):
            raise self._broke("an event of its reply is of no known form")
        if found.startswith(b'{"') and b'"text":' in found:
            # the whole document in one event, as DocSum sends it where no stream was asked for
            return str(orjson.loads(found)["text"])
        return self._bytes.decode(found)

    def _said(self, event: dict[str, Any]) -> str:
        if "ops" in event:
            value = event["ops"][0].get("value") if event["ops"] else None
            return value if isinstance(value, str) else ""
        if error := event.get("error"):
            raise self._broke(str(error)[:300])
        if not event.get("choices"):
            return str(event.get("text") or "")
        choice = event["choices"][0]
        if reason := choice.get("finish_reason"):
            self.finish_reason = "length" if reason == "length" else "stop"
        text = choice["text"] if "text" in choice else (choice.get("delta") or {}).get("content")
        return text or ""

    def _whole(self, body: dict[str, Any]) -> str:
        if isinstance(text := body.get("text"), str):
            return text
        try:
            choice = body["choices"][0]
            self.finish_reason = "length" if choice.get("finish_reason") == "length" else "stop"
            return str(choice["text"] if "text" in choice else choice["message"]["content"] or "")
        except (LookupError, TypeError, AttributeError) as error:
            raise self._broke("its answer holds no text") from error

    def _broke(self, reason: str) -> ServiceBroke:
        return ServiceBroke(service=self.server.name, reason=reason)
