"""Client of OpenAI-compatible servers: streamed chat, embeddings, list of models.

Every failure leaves here as a StudioError that says what to do; none carries the API key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray

from apps.runtime.errors import ServiceBroke
from apps.runtime.events import FinishReason
from apps.runtime.media import Media
from apps.runtime.resources import ModelServer, Sampling, Turn
from apps.runtime.servers import (
    NETWORK_FAULTS,
    ask,
    fault,
    json_body,
    network_faults,
    no_protocol,
    reason_of,
    refusal,
    release,
    send,
    words_of,
)
from apps.runtime.sse import EventParser, ProtocolError

REPLY_LIMIT_BYTES = 16 * 1024 * 1024
"""One streamed reply on the wire: over 100,000 tokens with their JSON."""
WATCH_S = 0.5
"""How late a stall may be noticed."""
OPTIONAL_FIELDS = ("top_k", "max_tokens", "temperature", "top_p", "stream_options")
"""Not every server takes them. One that says no to one is asked without it from then on."""
CALLS, ARGUMENTS_CHARS = 64, 100_000
"""Of one reply; more is a model that has lost its way."""
SIGNS_OF_LIFE = ("content", "reasoning_content", "reasoning", "tool_calls")
"""Fields of a delta that count as a first token; reasoning is not part of the reply."""

_refused: dict[tuple[str, str], frozenset[str]] = {}

Messages = Sequence[Mapping[str, Any] | Turn]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """arguments: as the model wrote them; JSON if it is a good one"""

    id: str
    name: str
    arguments: str


class ChatStream:
    """One streamed chat completion: iterate `texts()`, then read the fields.

    Closing the iterator closes the request, and with it the generation at the server.
    finish_reason   "stop" or "length"; set once the stream has ended properly
    usage           (prompt, completion) tokens if the server told them
    pieces          events that carried text
    calls           the tools that the model wants called
    """

    def __init__(
        self,
        server: ModelServer,
        model: str,
        messages: Messages,
        sampling: Sampling,
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        tool_choice: str = "auto",
    ) -> None:
        self.server, self.model = server, model
        self._tools, self._tool_choice = tools, tool_choice
        self._calls: dict[int, dict[str, str]] = {}
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
                with network_faults(self.server, answered=True):
                    async with asyncio.timeout_at(deadline):
                        body = await json_body(self.server, response)
                yield self._unstreamed(body)
            whole = True
        finally:
            if whole:
                release(response)
            else:
                response.close()

    async def _open(self, deadline: float) -> aiohttp.ClientResponse:
        known = (self.server.base_url, self.model)
        while True:
            body = self._body(_refused.get(known, frozenset()))
            with network_faults(self.server):
                async with asyncio.timeout_at(deadline):
                    response = await send(self.server, "POST", "chat/completions", body)
                    if response.status == 200:
                        return response
                    reason = await reason_of(self.server, response)
            complaint = _complaint(response.status, reason, body)
            if not complaint:
                raise refusal(self.server, self.model, response, reason)
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
                _message(turn) if isinstance(turn, Turn) else turn for turn in self._messages
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
            **sampling,
        }
        if self._tools:
            body |= {"tools": list(self._tools), "tool_choice": self._tool_choice}
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
            raise fault(self.server, error, answered=True) from error
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
                raise ServiceBroke(service=self.server.name, reason=words_of(self.server, error))
            if usage := event.get("usage"):
                self._note_usage(usage)
            if not (choices := event.get("choices")):
                return ""
            if reason := choices[0].get("finish_reason"):
                self.finish_reason = "length" if reason == "length" else "stop"
            delta = choices[0].get("delta") or {}
            self._collect(delta.get("tool_calls"))
            self._begun = self._begun or any(delta.get(name) for name in SIGNS_OF_LIFE)
            text = delta.get("content")
        except (TypeError, AttributeError, LookupError) as error:
            raise ProtocolError("an event is not a chat completion's") from error
        return text if isinstance(text, str) else ""

    def _unstreamed(self, body: dict[str, Any]) -> str:
        """The text of a server that answers whole although a stream was asked for."""
        try:
            choice = body["choices"][0]
            text = choice["message"].get("content") or ""
            self._collect(choice["message"].get("tool_calls"))
            self.finish_reason = "length" if choice.get("finish_reason") == "length" else "stop"
            self._note_usage(body.get("usage") or {})
        except (LookupError, TypeError, AttributeError) as error:
            reason = "its answer is not a chat completion's"
            raise no_protocol(self.server, reason) from error
        self.pieces = 1
        return str(text)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tools that the model wants called, in its order."""
        return tuple(
            ToolCall(call["id"] or f"call-{index}", call["name"], call["arguments"])
            for index, call in sorted(self._calls.items())
        )

    def _collect(self, pieces: Any) -> None:
        """A call comes in pieces: its name with the first, its arguments letter by letter."""
        for place, piece in enumerate(pieces or ()):
            index = piece.get("index", place)
            call = self._calls.setdefault(int(index), {"id": "", "name": "", "arguments": ""})
            function = piece.get("function") or {}
            call["id"] = piece.get("id") or call["id"]
            call["name"] = function.get("name") or call["name"]
            call["arguments"] += function.get("arguments") or ""
            if len(self._calls) > CALLS or len(call["arguments"]) > ARGUMENTS_CHARS:
                raise ProtocolError("its calls of tools are too many or too long")

    def _note_usage(self, usage: dict[str, Any]) -> None:
        prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
        if isinstance(prompt, int) and isinstance(completion, int):
            self.usage = prompt, completion


def _message(turn: Turn) -> dict[str, Any]:
    """With its pictures and sound as parts, where it has any."""
    parts = [part for media in turn.media if (part := _part(media))]
    if not parts:
        return {"role": turn.role, "content": turn.content}
    text = [{"type": "text", "text": turn.content}] if turn.content else []
    return {"role": turn.role, "content": [*text, *parts]}


def _part(media: Media) -> dict[str, Any] | None:
    if media.kind == "image":
        return {"type": "image_url", "image_url": {"url": media.data_url}}
    if media.kind == "audio":
        form = media.mime.partition("/")[2]
        return {"type": "input_audio", "input_audio": {"data": media.base64, "format": form}}
    return None


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
    body = await ask(server, "GET", "models")
    try:
        return sorted({str(row["id"]) for row in body["data"]})
    except (LookupError, TypeError) as error:
        raise no_protocol(server, "its list of models is none") from error


async def embeddings(server: ModelServer, model: str, texts: Sequence[str]) -> NDArray[np.float32]:
    """(n, d) as the server gives them; OPEA's embedding service and TEI speak the same. Raises
    ServiceFault."""
    path = "v1/embeddings" if server.kind == "opea" else "embeddings"
    body = await ask(server, "POST", path, {"model": model, "input": list(texts)})
    try:
        rows = sorted(body["data"], key=lambda row: row["index"])
        vectors = np.array([row["embedding"] for row in rows], np.float32)
    except (LookupError, TypeError, ValueError) as error:
        raise no_protocol(server, "its embeddings are none") from error
    if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
        raise ServiceBroke(service=server.name, reason="it sent other vectors than were asked for")
    return vectors


def _complaint(status: int, reason: str, body: dict[str, Any]) -> str:
    """The optional field that a 400 or 422 is about, if it is about one we sent."""
    if status not in (400, 422):
        return ""
    return next((name for name in OPTIONAL_FIELDS if name in reason and name in body), "")
