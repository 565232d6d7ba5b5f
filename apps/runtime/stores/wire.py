"""A connection of redis-py over one socket that is opened here, at the address that was let through.

RESP2, because there the query engine's replies have one form in every version. The pool and the
client of redis-py are left out: they connect again, and send again, on their own.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import InvalidResponse, ResponseError
from redis.exceptions import TimeoutError as TimedOut

Word = str | bytes | int


class Refused(Exception):
    """An error reply; its text begins with Redis's word for it ("WRONGPASS ...")."""


class NotRedis(Exception):
    """What came is not the protocol."""


class Wire(AbstractConnection):
    """Time-outs are the caller's; whatever cuts a reply short closes the connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        user: str,
        password: str,
        database: str,
    ) -> None:
        super().__init__(
            username=user if password else None,
            password=password or None,
            db="" if database == "0" else database,
            protocol=2,
            socket_timeout=None,
            driver_info=None,
        )
        self._opened = reader, writer

    async def ask(self, *words: Word) -> Any:
        """One command and its reply. Raises Refused."""
        return (await self.ask_all([words]))[0]

    async def ask_all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """All commands at once, then all replies. Raises the first Refused after the last reply."""
        with _faults():
            await self.send_packed_command(self.pack_commands(commands))
            replies = [await self._reply() for _ in commands]
            for reply in replies:
                if isinstance(reply, ResponseError):
                    raise reply
        return replies

    async def close(self) -> None:
        self._opened[1].close()
        await self.disconnect(nowait=True)

    @property
    def alive(self) -> bool:
        reader, writer = self._opened
        return self.is_connected and not (reader.at_eof() or writer.is_closing())

    def repr_pieces(self) -> list[tuple[str, Any]]:
        return []

    async def _reply(self) -> Any:
        try:
            return await self.read_response()
        except ResponseError as error:
            return error

    async def _connect(self) -> None:
        """A second time, which redis-py would do before a command, the connection is over."""
        reader, writer = self._opened
        if writer.is_closing():
            raise ConnectionResetError
        self._reader, self._writer = reader, writer

    def _host_error(self) -> str:
        return "the server"


async def connect(
    address: str, port: int, *, tls_name: str = "", user: str, password: str, database: str
) -> Wire:
    """A connection that is signed in. Raises OSError, Refused and NotRedis.

    tls_name: the name that the server's certificate must have; "" is no TLS
    """
    secured = ssl.create_default_context() if tls_name else None
    streams = await asyncio.open_connection(
        address, port, ssl=secured, server_hostname=tls_name or None
    )
    wire = Wire(*streams, user, password, database)
    try:
        with _faults():
            await wire.connect_check_health()
    except BaseException:
        await wire.close()
        raise
    return wire


@contextmanager
def _faults() -> Iterator[None]:
    """redis-py's errors as what they tell about the server; ValueError is a number that is none."""
    try:
        yield
    except (InvalidResponse, ValueError) as error:
        raise NotRedis from error
    except (Disconnected, TimedOut, ResponseError) as error:
        if not isinstance(error, ResponseError) and error.status_code is None:
            raise ConnectionResetError from error
        raise Refused(f"{error.status_code or ''} {error}".strip()) from error
