"""The part of Redis's protocol (RESP2) that a vector store needs: commands out, replies in."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LINE_LIMIT = 64 * 1024
BULK_LIMIT = 64 * 1024 * 1024

Word = str | bytes | int


class RespError(Exception):
    """An error reply; its text begins with Redis's word for it ("WRONGPASS ...")."""


class NotRedis(Exception):
    """What came is not the protocol."""


@dataclass(slots=True)
class Wire:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, *words: Word) -> Any:
        """One command and its reply. Raises RespError."""
        return (await self.ask_all([words]))[0]

    async def ask_all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """All commands at once, then all replies. Raises the first RespError after the last reply."""
        self.writer.write(b"".join(_packed(words) for words in commands))
        await self.writer.drain()
        replies = [await _reply(self.reader) for _ in commands]
        for reply in replies:
            if isinstance(reply, RespError):
                raise reply
        return replies


async def connect(address: str, port: int, *, tls_name: str = "") -> Wire:
    """tls_name: the name that the server's certificate must have; "" is no TLS."""
    secured = ssl.create_default_context() if tls_name else None
    reader, writer = await asyncio.open_connection(
        address, port, ssl=secured, server_hostname=tls_name or None, limit=LINE_LIMIT
    )
    return Wire(reader, writer)


async def close(wire: Wire) -> None:
    wire.writer.close()


def alive(wire: Wire) -> bool:
    return not (wire.reader.at_eof() or wire.writer.is_closing())


def _packed(words: Sequence[Word]) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


async def _reply(reader: asyncio.StreamReader) -> Any:
    """Errors inside are returned, so that the replies after them are read as well."""
    try:
        line = (await reader.readuntil(b"\r\n"))[:-2]
    except asyncio.LimitOverrunError as error:
        raise NotRedis from error
    kind, rest = line[:1], line[1:]
    if kind == b"+":
        return rest.decode(errors="replace")
    if kind == b"-":
        return RespError(rest.decode(errors="replace"))
    if kind not in (b":", b"$", b"*"):
        raise NotRedis
    try:
        number = int(rest)
    except ValueError as error:
        raise NotRedis from error
    if kind == b":":
        return number
    if number < 0:
        return None
    if kind == b"*":
        return [await _reply(reader) for _ in range(number)]
    if number > BULK_LIMIT:
        raise NotRedis
    return (await reader.readexactly(number + 2))[:-2]
