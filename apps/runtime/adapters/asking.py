"""A short question to a model whose answer stays inside the graph: for choosing, rewriting, calling."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from apps.runtime.events import Usage
from apps.runtime.openai import ChatStream, Messages
from apps.runtime.resources import ModelServer, Sampling, Turn

CHARS_PER_TOKEN = 4
"""For estimates only, where a server tells no usage; usual for English text."""


class Whole:
    """One reply, read to its end; temperature 0, so that the same text takes the same way."""

    def __init__(
        self, server: ModelServer, model: str, messages: Sequence[Turn], max_tokens: int
    ) -> None:
        self._messages = messages
        sampling = Sampling(temperature=0.0, max_tokens=max_tokens)
        self._stream = ChatStream(server, model, messages, sampling)

    async def text(self) -> str:
        """Raises ServiceFault. Cancelling it closes the request."""
        async with aclosing(self._stream.texts()) as pieces:
            return "".join([piece async for piece in pieces]).strip()

    @property
    def cut(self) -> bool:
        """Whether the model had more to say than it was given room for."""
        return self._stream.finish_reason == "length"

    def usage(self, node: str) -> Usage:
        return usage_of(node, self._stream, self._messages)


def usage_of(node: str, stream: ChatStream, messages: Messages) -> Usage:
    """What the server told, or an estimate."""
    if stream.usage:
        return Usage(node, *stream.usage)
    chars = sum(
        len(turn.content if isinstance(turn, Turn) else str(turn.get("content") or ""))
        for turn in messages
    )
    return Usage(node, chars // CHARS_PER_TOKEN, stream.pieces, estimated=True)
