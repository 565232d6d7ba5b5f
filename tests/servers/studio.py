"""The whole studio as a process of its own: real server, own data folder, an administrator."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.servers.environment import PROJECT
from tests.servers.ports import free_port, wait_until

USERNAME = "admin"
PASSWORD = "correct horse battery staple"
PREPARE = """
from apps.accounts.models import User
User.objects.create_superuser({username!r}, "admin@example.org", {password!r})
"""


@dataclass
class StudioServer:
    """url has no slash at its end. The process may be killed and started again by a test."""

    url: str
    port: int
    data: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    username: str = USERNAME
    password: str = PASSWORD

    @property
    def log(self) -> str:
        return (self.data / "server.log").read_text(errors="replace")

    def manage(self, *arguments: str) -> str:
        """Run manage.py on this server's data; returns what it printed."""
        result = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if result.returncode:
            raise RuntimeError(f"manage.py {arguments[0]}: {result.stderr[-3000:]}")
        return result.stdout

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "studio.asgi:application",
            "--port",
            str(self.port),
        ]
        with (self.data / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--log-level", "warning", "--timeout-graceful-shutdown", "3"],
                cwd=PROJECT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, what="the studio did not answer")

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(8)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(5)

    def _answers(self) -> bool:
        if self.process and self.process.poll() is not None:
            raise RuntimeError(f"the studio ended: {self.log[-3000:]}")
        try:
            return httpx.get(f"{self.url}/api/v1/openapi.json", timeout=20).status_code < 500
        except httpx.TransportError:
            return False


def create(data: Path, **environment: str) -> StudioServer:
    """A migrated, started studio with an administrator; `environment` adds settings by variable."""
    data.mkdir(parents=True)
    port = free_port()
    variables = {
        name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "TZ"}
    }
    variables |= {"STUDIO_DATA_DIR": str(data), "STUDIO_JOBS_MODE": "embedded"} | environment
    server = StudioServer(f"http://127.0.0.1:{port}", port, data, variables)
    server.manage("migrate", "--verbosity", "0")
    server.manage("shell", "-c", PREPARE.format(username=USERNAME, password=PASSWORD))
    server.manage("collectstatic", "--no-input", "--verbosity", "0")
    server.start()
    return server
