"""Parser of server-sent events as OpenAI-compatible servers send them."""

from __future__ import annotations

from typing import Any

import orjson

LINE_LIMIT_BYTES = 1024 * 1024
DONE = b"[DONE]"


class ProtocolError(ValueError):
    """The bytes are no such stream; the message says why, without punctuation."""


class EventParser:
    """Feed it bytes as they come, in pieces of any size; it gives the events they complete.

    An event is handed out with the end of its `data:` line, without waiting for the blank line
    after it. Only data that is no whole JSON by itself waits for its following `data:` lines.
    failed  what broke the stream behind the events just handed out; they stand
    """

    def __init__(self) -> None:
        self.done = False
        self.failed: ProtocolError | None = None
        self._rest = b""
        self._partial = b""

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """Raises ProtocolError, unless events came before the fault: then it is kept in `failed`."""
        lines = (self._rest + chunk if self._rest else chunk).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LINE_LIMIT_BYTES:
            raise ProtocolError(f"a line is longer than {LINE_LIMIT_BYTES} bytes")
        events: list[dict[str, Any]] = []
        try:
            for line in lines:
                if line.startswith(b"data:"):
                    self._data(line[5:].strip(), events)
                elif self._partial and not line.strip():
                    raise ProtocolError("an event is not JSON")
        except ProtocolError as error:
            if not events:
                raise
            self.failed = error
        return events

    def close(self) -> list[dict[str, Any]]:
        """The event of a last line without an end."""
        events: list[dict[str, Any]] = []
        if self._rest.startswith(b"data:"):
            self._data(self._rest[5:].strip(), events)
        self._rest = b""
        if self._partial:
            raise ProtocolError("the last event is not whole")
        return events

    def _data(self, data: bytes, events: list[dict[str, Any]]) -> None:
        if self.done or not data:
            return
        if data == DONE:
            self.done = True
            return
        if self._partial:
            data = self._partial + b"\n" + data
        try:
            event = orjson.loads(data)
        except orjson.JSONDecodeError:
            if len(data) > LINE_LIMIT_BYTES:
                raise ProtocolError(f"an event is longer than {LINE_LIMIT_BYTES} bytes") from None
            self._partial = data
            return
        self._partial = b""
        if not isinstance(event, dict):
            raise ProtocolError("an event is no JSON object")
        events.append(event)
