"""A package under Compose: a project name and a port of its own, and only its own things torn down."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from pathlib import Path
from typing import Any, Self

from tests.servers.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "artifacts" / "containers"
FROM_THE_MACHINE = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST")
"""A package index that this machine is set to, handed on to the build as the README says."""
BUILD_WITHIN_S = 900


class Composition:
    def __init__(self, package: Path) -> None:
        self.package = package
        self.project = f"walk-{secrets.token_hex(4)}"
        self.image = f"{self.project}:test"
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.durations: dict[str, float] = {}

    def __enter__(self) -> Self:
        self.script("setup-env", "--port", str(self.port))
        self._settings(PORTAL_IMAGE=self.image, **self._index())
        try:
            self._timed("build", self.compose, "build")
            self._timed("start", self.compose, "up", "--wait")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        LOGS.mkdir(parents=True, exist_ok=True)
        log = self._run(["docker", "compose", "logs", "--no-color", "--timestamps"], check=False)
        (LOGS / f"{self.package.name}-{self.project}.log").write_text(log)
        self.compose("down", "--volumes", "--remove-orphans", check=False)
        self._run(["docker", "image", "rm", self.image], check=False)

    def compose(self, *arguments: str, check: bool = True) -> str:
        return self._run(["docker", "compose", *arguments], check=check)

    def script(self, name: str, *arguments: str) -> str:
        return self._run([str(self.package / "scripts" / name), *arguments])

    def smoke(self, question: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(
            self.script("smoke-test", "--json", "--wait", "300", "--question", question)
        )
        return answer

    def services(self) -> dict[str, list[dict[str, Any]]]:
        """`docker compose ps` by service."""
        rows = [json.loads(line) for line in self.compose("ps", "--format", "json").splitlines()]
        found: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            found.setdefault(row["Service"], []).append(row)
        return found

    def _settings(self, **values: str) -> None:
        path = self.package / ".env"
        lines = path.read_text().splitlines()
        kept = [line for line in lines if line.partition("=")[0] not in values]
        path.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in values.items())]))

    def _index(self) -> dict[str, str]:
        return {name: os.environ[name] for name in FROM_THE_MACHINE if os.environ.get(name)}

    def _timed(self, name: str, function: Any, *arguments: str) -> None:
        started = time.monotonic()
        function(*arguments)
        self.durations[name] = time.monotonic() - started

    def _run(self, command: list[str], *, check: bool = True) -> str:
        done = subprocess.run(
            command,
            cwd=self.package,
            env={**os.environ, "COMPOSE_PROJECT_NAME": self.project},
            capture_output=True,
            text=True,
            timeout=BUILD_WITHIN_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert not check or done.returncode == 0, (
            f"{command}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
        return done.stdout
