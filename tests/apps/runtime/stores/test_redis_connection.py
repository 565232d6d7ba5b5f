"""What a Redis of tests does not do by itself: TLS, refusals while it starts, hanging up in a write."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from apps.runtime.errors import ServiceRefused, ServiceUnavailable
from apps.runtime.resources import ModelServer
from apps.runtime.stores.errors import PasswordRefused, StoreWrong
from apps.runtime.stores.opening import close_stores, open_store

PASSWORD = "hush-hush"


class Scripted:
    """Answers each command, after a while, with the next reply of its script; None hangs up."""

    def __init__(self, *replies: bytes | None) -> None:
        self.replies = list(replies)
        self.commands: list[list[bytes]] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while command := await self._command(reader):
                await asyncio.sleep(0.02)
                self.commands.append(command)
                reply = self.replies.pop(0) if self.replies else None
                if reply is None:
                    return
                writer.write(reply)
        finally:
            writer.close()

    async def _command(self, reader: asyncio.StreamReader) -> list[bytes]:
        head = await reader.readline()
        words = []
        for _ in range(int(head[1:] or 0)):
            size = int((await reader.readline())[1:])
            words.append((await reader.readexactly(size + 2))[:-2])
        return words


@asynccontextmanager
async def listening(
    *replies: bytes | None, secured: ssl.SSLContext | None = None
) -> AsyncIterator[Scripted]:
    server = Scripted(*replies)
    address = socket.getaddrinfo("localhost", 0)[0][4][0]
    listener = await asyncio.start_server(server.serve, str(address), 0, ssl=secured)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        await close_stores()
        listener.close()


def redis_at(server: Scripted, url: str = "redis://localhost:{}") -> ModelServer:
    return ModelServer("r", url.format(server.port), api_key=PASSWORD, kind="redis")


def certificate(folder: Path, name: str) -> Path:
    """A key and a certificate of its own for this name, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.mark.parametrize("name", ["localhost", "elsewhere"])
async def test_tls_wants_the_name_in_the_address(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path, name)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    secured = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secured.load_cert_chain(file)
    info = b"$19\r\nredis_version:8.0.1\r\n"

    async with listening(b"+OK\r\n", info, b"*0\r\n", secured=secured) as server:
        store = open_store(redis_at(server, "rediss://localhost:{}"))
        if name == "localhost":
            assert (await store.about()).version == "8.0.1"
            assert server.commands[0] == [b"AUTH", PASSWORD.encode()]
        else:
            with pytest.raises(ServiceUnavailable, match="its TLS failed"):
                await store.about()
            assert server.commands == []


async def test_user_and_database_are_those_of_the_address() -> None:
    async with listening(b"+OK\r\n", b"+OK\r\n", b"$-1\r\n") as server:
        store = open_store(redis_at(server, "redis://ann@localhost:{}/3"))
        assert await store.document_of("t", "1") == ""

    assert server.commands == [
        [b"AUTH", b"ann", PASSWORD.encode()],
        [b"SELECT", b"3"],
        [b"HGET", b"t:1", b"document"],
    ]


async def test_a_write_that_is_cut_off_is_not_sent_again() -> None:
    async with listening(b"+OK\r\n", b"$-1\r\n", None) as server:
        store = open_store(redis_at(server))
        await store.document_of("t", "1")
        with pytest.raises(ServiceUnavailable, match="closed the connection without an answer"):
            await store.put("t", ["1"], ["d"], np.ones((1, 2), np.float32))

    assert server.connections == 1
    assert [command[0] for command in server.commands] == [b"AUTH", b"HGET", b"HSET"]


async def test_replies_after_a_refused_one_are_awaited() -> None:
    refusal = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"
    async with listening(b"+OK\r\n", b":1\r\n", refusal, b":1\r\n") as server:
        store = open_store(redis_at(server))
        with pytest.raises(ServiceRefused, match="OOM command not allowed"):
            await store.put("t", ["1", "2", "3"], ["d"] * 3, np.ones((3, 2), np.float32))
        assert len(server.commands) == 4


@pytest.mark.parametrize(
    ("reply", "fault", "said"),
    [
        (b"-LOADING Redis is loading\r\n", ServiceUnavailable, "LOADING Redis is loading"),
        (b"-NOAUTH Authentication required.\r\n", PasswordRefused, "refused the user name"),
        (b"-ERR max number of clients reached\r\n", ServiceRefused, "max number of clients"),
        (b"-ERR what is hush-hush\r\n", ServiceRefused, r"what is \*\*\*"),
        (b"-MOVED 12 10.0.0.1:6379\r\n", ServiceRefused, "MOVED 12 10.0.0.1:6379"),
        (b"$x\r\n", StoreWrong, "does not speak Redis's protocol"),
        (b"+" + b"x" * 200_000 + b"\r\n", StoreWrong, "does not speak Redis's protocol"),
    ],
)
async def test_replies_that_refuse_are_told_in_words(
    reply: bytes, fault: type[Exception], said: str
) -> None:
    async with listening(b"+OK\r\n", reply) as server:
        with pytest.raises(fault, match=said) as told:
            await open_store(redis_at(server)).document_of("t", "1")

    assert PASSWORD not in str(told.value)


def test_who_has_no_redis_does_not_load_its_client() -> None:
    code = "import sys, apps.runtime.stores.opening; sys.exit('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
