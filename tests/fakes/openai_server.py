"""A small real server that speaks the OpenAI protocol, at a set pace and with faults on demand.

It is the truth that timings are compared with, so tokens leave on an absolute schedule:
token i at arrival + ttft_ms + i * itl_ms, late ones at once. Raw asyncio protocol (uvloop where
installed), no tasks: a stream is one timer.

What a request gets is, later ones winning: the constructor's Behaviour, the parts of the model's name
("fake-ttft300-itl20-n64-cut10"), the header `x-fake` and the body's field `x-fake` (JSON objects of
Behaviour's fields).

    python -m tests.fakes.openai_server --port 8120 [--ttft-ms 50 --itl-ms 20 --tokens 64]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import re
import struct
import time
import wave
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import httptools
import orjson

from tests.fakes.replies import (
    EMBEDDING_DIMENSIONS,
    WORD,
    answer_for,
    content_of,
    embedding,
    split_tokens,
)
from tests.fakes.sounds import form_of, spoken, words_in
from tests.fakes.threaded import Recorded, Threaded
from tests.fakes.tools import called_tools, tool_calls

try:
    import uvloop
except ImportError:  # Windows
    uvloop = None  # type: ignore[assignment]

STATUS = {
    400: ("invalid_request_error", "bad_request", "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached."),
    500: ("server_error", "internal_error", "The server had an error."),
    503: ("server_error", "overloaded", "The engine is overloaded."),
}
SPEECH_CHARS = 4_096
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


@dataclass(frozen=True)
class Behaviour:
    """How one request is answered. In a model's name: the word in brackets, number appended.

    tokens        [n]        reply's length; None: as long as the reply is
    batch         [batch]    tokens per event
    status        [status]   answer with this HTTP status and an OpenAI error body
    cut           [cut]      break the connection after so many tokens
    stall         [stall]    send nothing more after so many tokens; 0 sends headers only
    error         [error]    an error object in the stream after so many tokens
    garbage       [garbage]  bytes that are no event after so many tokens
    nodone        [nodone]   end the body without finish_reason, usage and [DONE]
    nousage       [nousage]  ignore stream_options.include_usage
    hang          [hang]     accept and never answer
    dropreused    [dropreused]  break a kept-alive connection at its second request, before a byte
    dropfirst     [dropfirst]   break every connection before a byte
    crlf, comments, split      line ends, comment lines, bytes in pieces of `split`
    bigline       [bigline]  one event of so many bytes after the first token
    notopk        [notopk]   refuse top_k with 400 as api.openai.com does
    html          [html]     200 with a web page, as a wrong address often answers
    reply                    the text, instead of one made from the prompt
    """

    ttft_ms: float = 0.0
    itl_ms: float = 0.0
    tokens: int | None = None
    batch: int = 1
    status: int = 200
    cut: int | None = None
    stall: int | None = None
    error: int | None = None
    garbage: int | None = None
    nodone: bool = False
    nousage: bool = False
    hang: bool = False
    dropreused: bool = False
    dropfirst: bool = False
    crlf: bool = False
    comments: bool = False
    split: int = 0
    bigline: int = 0
    notopk: bool = False
    html: bool = False
    reply: str | None = None

    def with_model(self, model: str) -> Behaviour:
        return replace(self, **_named(model))


ALIASES = {"n": "tokens", "ttft": "ttft_ms", "itl": "itl_ms"}
DEFAULTS = {
    "cut": 3,
    "stall": 3,
    "error": 3,
    "garbage": 3,
    "bigline": 2**22,
    "split": 7,
    "batch": 4,
}
FIELDS = {item.name: item for item in fields(Behaviour) if item.name != "reply"}


def _named(model: str) -> dict[str, Any]:
    """The behaviour spelled in a model's name; parts that spell none are ignored."""
    changes: dict[str, Any] = {}
    for part in model.rpartition("/")[2].split("-"):
        match = re.fullmatch(r"([a-z]+)(\d*)", part)
        name = ALIASES.get(match[1], match[1]) if match else ""
        if not match or name not in FIELDS:
            continue
        if isinstance(FIELDS[name].default, bool):
            changes[name] = True
        elif match[2] or name in DEFAULTS:
            changes[name] = int(match[2] or DEFAULTS[name])
    return changes


class FakeOpenAI(Threaded):
    """The server. As a context manager, or start() and stop(); runs in a thread of its own."""

    name = "fake-openai"

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = "",
        models: tuple[str, ...] = ("fake-model", "fake-model-large"),
    ) -> None:
        super().__init__(host, port)
        self.behaviour = behaviour or Behaviour()
        self.api_key = api_key
        self.models = models
        self.reset()
        self._connections: set[_Connection] = set()

    def reset(self) -> None:
        """Forget requests and counts; open streams stay open and counted."""
        self.requests.clear()
        self.open_streams = getattr(self, "open_streams", 0)
        self.peak_streams = self.open_streams
        self.streams_started = self.streams_finished = self.streams_aborted = 0
        self.open_speeches = getattr(self, "open_speeches", 0)
        self.peak_speeches = self.open_speeches
        self.speeches_aborted = 0
        self.tokens_sent = 0
        self.connections_made = 0

    @property
    def busy(self) -> int:
        return self.open_streams

    @property
    def url(self) -> str:
        """The base_url: ends in /v1."""
        return f"{self.root}/v1"

    def state(self) -> dict[str, Any]:
        return {
            "open_streams": self.open_streams,
            "peak_streams": self.peak_streams,
            "streams_started": self.streams_started,
            "streams_finished": self.streams_finished,
            "streams_aborted": self.streams_aborted,
            "peak_speeches": self.peak_speeches,
            "speeches_aborted": self.speeches_aborted,
            "tokens_sent": self.tokens_sent,
            "requests": len(self.requests),
            "connections": len(self._connections),
            "connections_made": self.connections_made,
            "behaviour": asdict(self.behaviour),
        }

    def drop_connections(self) -> None:
        """Break every connection now, as a crashing server does."""
        if self._loop:
            self._loop.call_soon_threadsafe(
                lambda: [connection.abort() for connection in tuple(self._connections)]
            )

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        return uvloop.new_event_loop() if uvloop else asyncio.new_event_loop()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: _Connection(self, loop), self.host, self.port, backlog=2048
        )
        self.port = server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        for connection in tuple(self._connections):
            connection.abort()
        await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """One connection: reads requests one after the other, never two at once."""

    transport: asyncio.Transport

    def __init__(self, server: FakeOpenAI, loop: asyncio.AbstractEventLoop) -> None:
        self.server, self.loop = server, loop
        self.parser = httptools.HttpRequestParser(self)
        self.answered = 0
        self.speaking = False
        self.stream: _Reply | None = None
        self.timer: asyncio.TimerHandle | None = None
        self._begin()

    def _begin(self) -> None:
        self.url, self.headers, self.body = b"", {}, bytearray()

    # asyncio's side
    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.server._connections.add(self)
        self.server.connections_made += 1

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server._connections.discard(self)
        if self.timer:
            self.timer.cancel()
        if self.speaking:
            self._spoke()
            self.server.speeches_aborted += 1
        if self.stream:
            self.stream.lost()

    def abort(self) -> None:
        self.transport.abort()

    # httptools' side
    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        method, path = self.parser.get_method().decode(), self.url.decode().partition("?")[0]
        try:
            body = self._read()
        except (orjson.JSONDecodeError, UnicodeDecodeError):
            body = None
        headers = self.headers
        self._begin()
        self._route(method, path, headers, body)
        self.answered += 1

    def _read(self) -> Any:
        kind = self.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            return form_of(kind, bytes(self.body))
        return orjson.loads(self.body) if self.body else {}

    def _route(self, method: str, path: str, headers: dict[str, str], body: Any) -> None:
        if path.startswith("/fake/"):
            return self._control(method, path, body)
        if not isinstance(body, dict):
            return self.send_error(400, "The body is not a JSON object.")
        self.server.requests.append(Recorded(method, path, headers, body))
        key = self.server.api_key
        if key and headers.get("authorization") != f"Bearer {key}":
            return self.send_error(401)
        behaviour = self._behaviour(headers, body)
        if behaviour.dropfirst or (behaviour.dropreused and self.answered):
            return self.abort()
        if behaviour.hang and method == "GET":
            return None
        if behaviour.status != 200:
            return self.send_error(behaviour.status)
        if behaviour.html:
            return self.send(200, b"<!doctype html><title>It works!</title>", "text/html")
        routes: dict[tuple[str, str], Callable[[Behaviour, dict[str, Any]], None]] = {
            ("GET", "/v1/models"): self._models,
            ("POST", "/v1/chat/completions"): self._chat,
            ("POST", "/v1/embeddings"): self._embeddings,
            ("POST", "/v1/audio/transcriptions"): self._transcription,
            ("POST", "/v1/audio/speech"): self._speech,
            ("POST", "/v1/rerank"): self._rerank,
        }
        if handler := routes.get((method, path)):
            return handler(behaviour, body)
        return self.send_error(404, f"Unknown request URL: {method} {path}.")

    def _behaviour(self, headers: dict[str, str], body: dict[str, Any]) -> Behaviour:
        behaviour = self.server.behaviour.with_model(str(body.get("model", "")))
        if raw := headers.get("x-fake"):
            behaviour = replace(behaviour, **orjson.loads(raw))
        return replace(behaviour, **body.get("x-fake", {}))

    def _control(self, method: str, path: str, body: Any) -> None:
        if path == "/fake/reset":
            self.server.reset()
        elif path == "/fake/behaviour" and method == "POST":
            self.server.behaviour = replace(self.server.behaviour, **body)
        elif path != "/fake/state":
            return self.send_error(404)
        return self.send(200, orjson.dumps(self.server.state()))

    def _models(self, behaviour: Behaviour, body: dict[str, Any]) -> None:
        rows = [
            {"id": name, "object": "model", "created": 0, "owned_by": "practice"}
            for name in self.server.models
        ]
        self.send(200, orjson.dumps({"object": "list", "data": rows}))

    def _embeddings(self, behaviour: Behaviour, body: dict[str, Any]) -> None:
        inputs = body.get("input", [])
        texts = [inputs] if isinstance(inputs, str) else inputs
        width = int(body.get("dimensions") or EMBEDDING_DIMENSIONS)
        rows = []
        for index, text in enumerate(texts):
            vector: Any = embedding(text, width)
            if body.get("encoding_format") == "base64":
                vector = base64.b64encode(struct.pack(f"<{width}f", *vector)).decode()
            rows.append({"object": "embedding", "index": index, "embedding": vector})
        count = sum(len(WORD.findall(text)) for text in texts)
        answer = {
            "object": "list",
            "data": rows,
            "model": body.get("model"),
            "usage": {"prompt_tokens": count, "total_tokens": count},
        }
        self.after(behaviour.ttft_ms, lambda: self.send(200, orjson.dumps(answer)))

    def _transcription(self, behaviour: Behaviour, body: dict[str, Any]) -> None:
        sound = body.get("file")
        if not isinstance(sound, bytes) or not body.get("model"):
            return self.send_error(400, "'file' and 'model' are required.")
        try:
            text = behaviour.reply or words_in(sound)
        except (EOFError, wave.Error):
            return self.send_error(400, "Invalid file format.")
        return self.after(behaviour.ttft_ms, lambda: self._whole({"text": text}, behaviour))

    def _speech(self, behaviour: Behaviour, body: dict[str, Any]) -> None:
        text = body.get("input")
        if not isinstance(text, str) or not text or len(text) > SPEECH_CHARS:
            return self.send_error(400, f"'input' must have 1 to {SPEECH_CHARS} characters.")
        if not body.get("model") or not body.get("voice"):
            return self.send_error(400, "'model' and 'voice' are required.")
        if body.get("response_format") != "wav":
            return self.send_error(400, "This server speaks wav only.")
        sound = b"not a sound" if behaviour.garbage is not None else spoken(text)
        self.speaking = True
        self.server.open_speeches += 1
        self.server.peak_speeches = max(self.server.peak_speeches, self.server.open_speeches)

        def answer() -> None:
            if not behaviour.hang:
                self._spoke()
            self._whole(sound, behaviour)

        return self.after(behaviour.ttft_ms + behaviour.itl_ms * len(text), answer)

    def _spoke(self) -> None:
        self.speaking = False
        self.server.open_speeches -= 1

    def _whole(self, answer: Any, behaviour: Behaviour) -> None:
        """An answer in one piece, with the faults that one can have."""
        if behaviour.hang:
            return
        if behaviour.cut is not None:
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf")
            self.abort()
            return
        sound = isinstance(answer, bytes)
        data = answer if sound else orjson.dumps(answer)
        self.send(200, data, "audio/wav" if sound else "application/json")

    def _rerank(self, behaviour: Behaviour, body: dict[str, Any]) -> None:
        """As vLLM, Jina and Cohere answer; the score is the share of the query's words."""
        query, texts = body.get("query"), body.get("documents")
        if not isinstance(query, str) or not isinstance(texts, list):
            return self.send_error(400, "'query' and 'documents' are needed.")
        wanted = set(WORD.findall(query.casefold()))
        shares = [
            len(wanted & set(WORD.findall(text.casefold()))) / max(1, len(wanted)) for text in texts
        ]
        order = sorted(range(len(texts)), key=lambda at: (-shares[at], at))
        rows = [
            {"index": at, "document": {"text": texts[at]}, "relevance_score": shares[at]}
            for at in order[: body.get("top_n") or len(texts)]
        ]
        answer = orjson.dumps({"id": "rerank-1", "model": body.get("model"), "results": rows})
        return self.after(behaviour.ttft_ms, lambda: self.send(200, answer))

    def _chat(self, behaviour: Behaviour, body: dict[str, Any]) -> None:
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            return self.send_error(400, "'messages' must be a list with at least one message.")
        if behaviour.notopk and "top_k" in body:
            return self.send_error(400, "Unrecognized request argument supplied: top_k")
        if calls := called_tools(body):
            data, kind = tool_calls(calls, streamed=bool(body.get("stream")))
            return self.after(behaviour.ttft_ms, lambda: self.send(200, data, kind))
        self.stream = _Reply(self, behaviour, body)
        return self.stream.begin()

    def after(self, delay_ms: float, call: Callable[[], None]) -> None:
        if delay_ms:
            self.timer = self.loop.call_later(delay_ms / 1000, call)
        else:
            call()

    def send_error(self, status: int, message: str = "") -> None:
        kind, code, default = STATUS.get(status, STATUS[500])
        error = {"message": message or default, "type": kind, "param": None, "code": code}
        extra = b"Retry-After: 7\r\n" if status == 429 else b""
        self.send(status, orjson.dumps({"error": error}), extra=extra)

    def send(
        self, status: int, body: bytes, kind: str = "application/json", extra: bytes = b""
    ) -> None:
        reason = REASONS.get(status, "Error")
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
        self.transport.write(head.encode() + b"\r\n" + extra + b"\r\n" + body)


class _Reply:
    """One chat completion on its way out."""

    def __init__(self, connection: _Connection, behaviour: Behaviour, body: dict[str, Any]) -> None:
        self.connection, self.behaviour, self.body = connection, behaviour, body
        self.transport, self.loop = connection.transport, connection.loop
        self.server = connection.server
        self.started = self.loop.time()
        words = split_tokens(behaviour.reply or answer_for(body["messages"]))
        if behaviour.tokens is not None:
            words = (words * (behaviour.tokens // max(1, len(words)) + 1))[: behaviour.tokens]
        limit = body.get("max_completion_tokens") or body.get("max_tokens") or len(words)
        self.tokens = words[:limit]
        self.finish_reason = "length" if limit < len(words) else "stop"
        self.id = f"chatcmpl-{len(self.server.requests)}"
        self.sent = 0
        self.open = True
        self.server.streams_started += 1
        self.server.open_streams += 1
        self.server.peak_streams = max(self.server.peak_streams, self.server.open_streams)

    def begin(self) -> None:
        if self.behaviour.hang:
            return None
        if not self.body.get("stream"):
            total = self.behaviour.ttft_ms + self.behaviour.itl_ms * max(0, len(self.tokens) - 1)
            return self.connection.after(total, self._whole)
        self.eol = b"\r\n" if self.behaviour.crlf else b"\n"
        head = self._json({"choices": [{"index": 0, "delta": {}, "finish_reason": None}]})
        self._before, self._after = head.split(b'"delta":{}')
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        return self._schedule()

    def lost(self) -> None:
        self._close(finished=False)

    def _close(self, *, finished: bool) -> None:
        if not self.open:
            return
        self.open = False
        self.connection.stream = None
        self.server.open_streams -= 1
        if finished:
            self.server.streams_finished += 1
        else:
            self.server.streams_aborted += 1

    def _schedule(self) -> None:
        due = self.started + (self.behaviour.ttft_ms + self.sent * self.behaviour.itl_ms) / 1000
        if self.behaviour.ttft_ms or self.behaviour.itl_ms:
            self.connection.timer = self.loop.call_at(due, self._step)
        else:
            self.loop.call_soon(self._step)

    def _step(self) -> None:
        """Send the next event, or play the fault that is due."""
        if not self.open:
            return
        behaviour, sent = self.behaviour, self.sent
        if behaviour.stall is not None and sent >= behaviour.stall:
            return
        if behaviour.cut is not None and sent >= behaviour.cut:
            self._close(finished=False)
            self.connection.abort()
            return
        if behaviour.garbage is not None and sent == behaviour.garbage:
            self._write(b'data: {"choices": [{"delta": {"con\n\n\x00\xff\xfe not json\n\n')
        if behaviour.error is not None and sent >= behaviour.error:
            error = {"message": "CUDA out of memory", "type": "server_error", "code": 500}
            self._event(orjson.dumps({"error": error}))
            self._end(done=False)
            return
        if sent >= len(self.tokens):
            self._end(done=not behaviour.nodone)
            return
        if behaviour.comments:
            self._write(b": keep-alive" + self.eol + self.eol)
        if behaviour.bigline and sent == 1:
            self._write(b"data: " + b"x" * behaviour.bigline + b"\n\n")
        self._tokens("".join(self.tokens[sent : sent + behaviour.batch]))
        self.sent = min(len(self.tokens), sent + behaviour.batch)
        self.server.tokens_sent += self.sent - sent
        if self.sent < len(self.tokens) or self._fault_due():
            self._schedule()
        else:
            self._step()

    def _fault_due(self) -> bool:
        faults = (self.behaviour.stall, self.behaviour.cut, self.behaviour.error)
        return any(fault is not None for fault in faults)

    def _tokens(self, text: str) -> None:
        role = b'"role":"assistant",' if self.sent == 0 else b""
        delta = b'"delta":{' + role + b'"content":' + orjson.dumps(text) + b"}"
        self._event(self._before + delta + self._after)

    def _end(self, *, done: bool) -> None:
        if done:
            last = {"index": 0, "delta": {}, "finish_reason": self.finish_reason}
            self._event(self._json({"choices": [last]}))
            options = self.body.get("stream_options") or {}
            if options.get("include_usage") and not self.behaviour.nousage:
                self._event(self._json({"choices": [], "usage": self._usage()}))
            self._event(b"[DONE]")
        self.transport.write(b"0\r\n\r\n")
        self._close(finished=True)

    def _whole(self) -> None:
        message = {"role": "assistant", "content": "".join(self.tokens)}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        answer = orjson.loads(self._json({"choices": [choice], "usage": self._usage()}))
        answer["object"] = "chat.completion"
        self.server.tokens_sent += len(self.tokens)
        if self.behaviour.cut is not None:
            self.connection.abort()
            return
        self.connection.send(200, orjson.dumps(answer))
        self._close(finished=True)

    def _usage(self) -> dict[str, int]:
        prompt = sum(len(WORD.findall(content_of(turn))) for turn in self.body["messages"])
        count = len(self.tokens)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": count,
            "total_tokens": prompt + count,
        }

    def _json(self, rest: dict[str, Any]) -> bytes:
        head = {"id": self.id, "object": "chat.completion.chunk", "created": int(time.time())}
        return orjson.dumps(head | {"model": self.body.get("model", "")} | rest)

    def _event(self, data: bytes) -> None:
        self._write(b"data: " + data + self.eol + self.eol)

    def _write(self, data: bytes) -> None:
        size = self.behaviour.split or len(data)
        pieces = (data[at : at + size] for at in range(0, len(data), size))
        self.transport.write(b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in pieces))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8120)
    parser.add_argument("--api-key", default="")
    parser.add_argument("--models", default="fake-model,fake-model-large")
    parser.add_argument("--ttft-ms", type=float, default=0.0)
    parser.add_argument("--itl-ms", type=float, default=0.0)
    parser.add_argument("--tokens", type=int, default=None)
    options = parser.parse_args()
    behaviour = Behaviour(ttft_ms=options.ttft_ms, itl_ms=options.itl_ms, tokens=options.tokens)
    server = FakeOpenAI(
        behaviour,
        host=options.host,
        port=options.port,
        api_key=options.api_key,
        models=tuple(options.models.split(",")),
    ).start()
    print(server.url, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        while server._thread and server._thread.is_alive():
            server._thread.join(1)
    server.stop()


if __name__ == "__main__":
    main()
