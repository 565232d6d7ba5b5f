"""`python -m studio.serve`, the last line of `make run`: what keeps it from starting is one line."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.servers.environment import PROJECT
from tests.servers.ports import free_port, wait_until


def _command(data: Path | str, port: int | str, **more: str) -> dict[str, object]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("STUDIO_", "DATABASE_", "CELERY_", "REDIS_", "DJANGO_"))
    }
    environment |= {"STUDIO_DATA_DIR": str(data), "STUDIO_PORT": str(port), **more}
    return {
        "args": [sys.executable, "-u", "-m", "studio.serve"],
        "cwd": PROJECT,
        "env": environment,
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
    }


def _refusal(data: Path | str, port: int | str, **more: str) -> str:
    result = subprocess.run(**_command(data, port, **more), timeout=60)  # type: ignore[call-overload]
    assert result.returncode == 1
    assert result.stdout.count("\n") == 1, result.stdout
    return str(result.stdout)


def test_taken_port_is_named_with_another(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        told = _refusal(tmp_path, port)

    assert told.startswith(f"GenAI Studio did not start: port {port} on 127.0.0.1 is not free")
    assert f"make run PORT={port + 1}" in told


def test_foreign_address_is_named_as_such(tmp_path: Path) -> None:
    told = _refusal(tmp_path, free_port(), STUDIO_HOST="203.0.113.9")

    assert "203.0.113.9 is no address of this machine" in told


def test_new_data_folder_is_private(tmp_path: Path) -> None:
    _refusal(tmp_path / "data", free_port(), STUDIO_HOST="203.0.113.9")

    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_folder_that_cannot_be_written_is_named() -> None:
    told = _refusal("/proc/studio", free_port())

    assert "/proc/studio" in told
    assert "STUDIO_DATA_DIR" in told


def test_bad_setting_is_named(tmp_path: Path) -> None:
    assert "STUDIO_PORT is 'http'" in _refusal(tmp_path, "http")
    assert "STUDIO_HTTPS is 'perhaps'" in _refusal(tmp_path, free_port(), STUDIO_HTTPS="perhaps")


def test_second_start_on_the_same_data_names_the_first(tmp_path: Path) -> None:
    port = free_port()
    first = subprocess.Popen(**_command(tmp_path, port))  # type: ignore[call-overload]
    try:
        lock = tmp_path / "serve.lock"
        wait_until(
            lambda: lock.exists() and str(port) in lock.read_text(), what="the first did not start"
        )

        told = _refusal(tmp_path, free_port())
    finally:
        first.terminate()
        first.communicate(timeout=20)

    assert f"it already runs on this data folder: http://127.0.0.1:{port}/" in told
