"""Replies that this process is writing, and those who read along.

A reply is written by a task of its own, not by the request that started it: readers come and go (reload,
second tab, reconnect) and each gets the text from where it stopped. When the last reader is gone for
GRACE_S the model is stopped: long enough for a reload, short enough not to pay for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from apps.chat import sse
from apps.chat.errors import ReplyAbandoned, ReplyInterrupted
from apps.runtime.errors import StudioError
from apps.runtime.events import Passage
from apps.runtime.media import Media

GRACE_S = 4.0
BATCH_S = 0.03
"""Tokens that arrive closer than this travel together; the first one never waits."""
KEEP_ALIVE_S = 15.0


class LiveReply:
    """One reply while it is written. Belongs to one event loop.

    attended   whether it ends when nobody reads; False for a browser without JavaScript
    """

    def __init__(self, reply_id: UUID, *, attended: bool = True) -> None:
        self.reply_id = reply_id
        self.attended = attended
        self.text = ""
        self.heard = ""
        self.passages: tuple[Passage, ...] = ()
        self.sounds: list[Media] = []
        self.stopped = False
        self.reason: StudioError | None = None
        self._ending: bytes = b""
        self._readers = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._writer: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None

    # the writer's side
    def written_by(self, writer: asyncio.Task[None]) -> None:
        self._writer = writer
        self._await_reader()

    def add_text(self, text: str) -> None:
        self.text += text
        self._wake()

    def add_heard(self, text: str) -> None:
        """What was said in a spoken question."""
        self.heard = text
        self._wake()

    def add_sound(self, sound: Media) -> None:
        """The next part of the answer, said aloud."""
        self.sounds.append(sound)
        self._wake()

    def add_passages(self, passages: tuple[Passage, ...]) -> None:
        self.passages = passages
        self._wake()

    def seal(self) -> None:
        """The answer is whole: from here a stop comes too late."""
        self._writer = None
        if self._watch:
            self._watch.cancel()

    def end(self, ending: bytes) -> None:
        """ending: the last event, for every reader."""
        self._ending = ending
        self._wake()

    # the reader's side
    def stop(self) -> None:
        """Somebody pressed Stop: close the upstream now and keep the text."""
        if self._writer:
            self.stopped = True
            self._writer.cancel()

    def give_up(self, reason: StudioError) -> None:
        if self._writer:
            self.reason = reason
            self._writer.cancel()

    async def frames(self, offset: int) -> AsyncIterator[bytes]:
        """Events from character `offset` of the text to the end. Whoever comes back hears no sound twice."""
        loop = asyncio.get_running_loop()
        self._readers += 1
        told: tuple[Passage, ...] = ()
        heard = ""
        played = len(self.sounds) if offset else 0
        try:
            while True:
                if self.heard != heard:
                    heard = self.heard
                    yield sse.heard(heard)
                if self.passages is not told:
                    told = self.passages
                    yield sse.documents(told)
                while played < len(self.sounds):
                    yield sse.sound(self.sounds[played].base64)
                    played += 1
                if len(self.text) > offset:
                    text, offset = self.text[offset:], len(self.text)
                    yield sse.token(text, offset)
                    due = loop.time() + BATCH_S
                else:
                    due = 0.0
                if self._ending and len(self.text) <= offset:
                    yield self._ending
                    return
                if len(self.text) <= offset and not await self._change():
                    yield sse.KEEP_ALIVE
                elif (pause := due - loop.time()) > 0 and not self._ending:
                    await asyncio.sleep(pause)
        finally:
            self._readers -= 1
            self._await_reader()

    async def _change(self) -> bool:
        """Wait for news; False when it is time for a sign of life instead."""
        if self._ending:
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(KEEP_ALIVE_S):
                await waiter
        except TimeoutError:
            return False
        return True

    def _wake(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    def _await_reader(self) -> None:
        if self.attended and not self._readers and self._writer:
            if self._watch:
                self._watch.cancel()
            self._watch = asyncio.get_running_loop().call_later(GRACE_S, self._leave)

    def _leave(self) -> None:
        if not self._readers:
            self.give_up(ReplyAbandoned())


class Registry:
    """The live replies of this process by id."""

    def __init__(self) -> None:
        self._replies: dict[UUID, LiveReply] = {}
        self.loop: asyncio.AbstractEventLoop | None = None

    def add(self, live: LiveReply) -> None:
        self.loop = asyncio.get_running_loop()
        self._replies[live.reply_id] = live

    def get(self, reply_id: UUID) -> LiveReply | None:
        return self._replies.get(reply_id)

    def remove(self, live: LiveReply) -> None:
        self._replies.pop(live.reply_id, None)

    def all(self) -> list[LiveReply]:
        return list(self._replies.values())

    def stop_soon(self, reply_id: UUID) -> None:
        """From any thread."""
        if (live := self.get(reply_id)) and self.loop:
            self.loop.call_soon_threadsafe(live.stop)

    def interrupt_all(self) -> None:
        """The process is about to end."""
        for live in self.all():
            live.give_up(ReplyInterrupted())


registry = Registry()
