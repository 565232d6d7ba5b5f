"""The portal as people meet it: a served process with a data folder of its own, and a browser's memory."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Self

PORTAL = Path(__file__).resolve().parent.parent
STARTS_WITHIN_S = 90
LINK = re.compile(r"/accounts/first/\S+")


class Portal:
    """`manage.py serve` on a free port, embedded defaults whatever the environment says."""

    def __init__(self, **variables: str) -> None:
        self._data = tempfile.TemporaryDirectory(prefix="portal-test-")
        self._variables = variables
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        self.first_admin = ""

    def __enter__(self) -> Self:
        port = free_port()
        self.url = f"http://localhost:{port}"
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(port)],
            cwd=PORTAL,
            env=self.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        lines = []
        for line in self._process.stdout:
            lines.append(line)
            if found := LINK.search(line):
                self.first_admin = found[0]
            if "Data:" in line:
                return self
        self.__exit__()
        raise AssertionError("The portal did not start:\n" + "".join(lines))

    def __exit__(self, *_: object) -> None:
        assert self._process
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._data.cleanup()

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        models = {"PORTAL_MODEL_CACHE": str(PORTAL.parent / "var" / "models")}
        quiet = {"PORTAL_LOG_LEVEL": "ERROR", "PORTAL_DATA_DIR": self._data.name}
        return {**kept, **models, **self._variables, **quiet}

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PORTAL,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait_for_knowledge(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while Browser(self.url).json("/readyz")["knowledge"] != "ready":
            assert time.monotonic() < deadline, f"the knowledge was not ready within {seconds} s"
            time.sleep(0.5)


class Browser:
    """Keeps cookies, follows redirects, fills in the CSRF token."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._jar), urllib.request.ProxyHandler({})
        )
        self.path = ""

    def get(self, path: str) -> tuple[int, str]:
        return self._open(urllib.request.Request(self._url + path))

    def post(self, path: str, **fields: Any) -> tuple[int, str]:
        self.get(path) if not self._token() else None
        data = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": self._token()}).encode()
        return self._open(urllib.request.Request(self._url + path, data))

    def json(self, path: str, body: Any = None, token: str = "") -> Any:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        status, text = self._open(urllib.request.Request(self._url + path, data, headers))
        assert status < 300, text
        return json.loads(text)

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=60) as answer:
                self.path = urllib.parse.urlsplit(answer.url).path
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode()

    def _token(self) -> str:
        return next((cookie.value or "" for cookie in self._jar if cookie.name == "csrftoken"), "")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
