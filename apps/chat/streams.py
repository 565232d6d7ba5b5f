"""The stream of one reply as an HTTP response, whoever writes the reply."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import timedelta

from django.http import StreamingHttpResponse
from django.utils import timezone

from apps.chat import sse
from apps.chat.generation import launch
from apps.chat.live import KEEP_ALIVE_S, registry
from apps.chat.messages import ending_of
from apps.chat.models import ChatMessage
from apps.chat.replies import STALE_AFTER_S, Work, interrupt_stale
from apps.chat.rows import in_rows

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
POLL_S = 0.5
"""How often a reply that another process writes is read; that process saves it every second."""
FIRST_POLL_S = 0.03


class EventStream(StreamingHttpResponse):
    """work: the reply has just been claimed, and is written from `start()` on, read or not."""

    def __init__(
        self,
        reply: ChatMessage,
        *,
        work: Work | None,
        offset: int,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._work = work
        super().__init__(
            self._frames(reply, offset),
            content_type="text/event-stream; charset=utf-8",
            headers={**(headers or {}), **HEADERS},
        )

    def start(self) -> None:
        """On the event loop; more than once does no harm."""
        if work := self._work:
            self._work = None
            launch(work)

    async def _frames(self, reply: ChatMessage, offset: int) -> AsyncIterator[bytes]:
        self.start()
        yield sse.OPENING
        async with aclosing(follow(reply, offset)) as frames:  # type: ignore[type-var]
            async for frame in frames:
                yield frame


async def follow(reply: ChatMessage | None, offset: int) -> AsyncIterator[bytes]:
    """Everything from character `offset` on: from memory, or from the row while another process
    writes it, or from the row at once when the reply has ended."""
    pause_s, told_at = FIRST_POLL_S, time.monotonic()
    while True:
        if reply and (live := registry.get(reply.pk)):
            async with aclosing(live.frames(offset)) as frames:  # type: ignore[type-var]
                async for frame in frames:
                    yield frame
            return
        if reply and len(reply.content) > offset:
            text, offset, told_at = reply.content[offset:], len(reply.content), time.monotonic()
            yield sse.token(text, offset)
        if reply is None or not reply.is_active:
            yield await in_rows(ending_of, reply)
            return
        if time.monotonic() - told_at > KEEP_ALIVE_S:
            told_at = time.monotonic()
            yield sse.KEEP_ALIVE
        await asyncio.sleep(pause_s)
        pause_s = POLL_S
        reply = await in_rows(_read, reply)


def _read(reply: ChatMessage) -> ChatMessage | None:
    rows = ChatMessage.objects.filter(pk=reply.pk)
    found = rows.first()
    limit = timezone.now() - timedelta(seconds=STALE_AFTER_S)
    if found and found.is_active and found.heartbeat_at and found.heartbeat_at < limit:
        interrupt_stale()
        return rows.first()
    return found
