"""The chat served by a real uvicorn, and a browser's side of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from django.conf import settings
from django.test import Client

from apps.accounts.models import User
from apps.chat.asgi import OneHopHandler
from tests.servers.environment import PROJECT
from tests.servers.ports import accepts, free_port, wait_until

CONFIG = {"lifespan": "on", "log_level": "warning", "timeout_graceful_shutdown": 1}


@contextmanager
def in_thread() -> Iterator[str]:
    """This process's own chat, so that a test sees its rows and its live replies. Yields the URL."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(OneHopHandler(), port=port, loop="uvloop", **CONFIG))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, what="uvicorn did not start")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@dataclass
class OtherProcess:
    """Another web process on the same database, to kill."""

    database_url: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        options = ["--port", str(self.port), "--log-level", "warning", "--lifespan", "on"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "studio.asgi:application", *options]
            + ["--timeout-graceful-shutdown", "1"],
            cwd=PROJECT,
            env=os.environ
            | {
                "DATABASE_URL": self.database_url,
                "STUDIO_SECRET_KEY": settings.SECRET_KEY,
                "STUDIO_ENCRYPTION_KEY": settings.ENCRYPTION_KEY,
                "STUDIO_DATA_DIR": str(settings.DATA_DIR),
                "STUDIO_JOBS_MODE": "broker",
                "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
            },
            stdin=subprocess.DEVNULL,
        )
        wait_until(lambda: accepts(self.port), what="the other process did not start")

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait(5)

    def stop(self) -> None:
        assert self.process
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass
class Event:
    name: str
    data: str
    id: str = ""


class Browser:
    """A signed-in browser with JavaScript: it asks like htmx and reads like EventSource."""

    def __init__(self, url: str, user: User | None) -> None:
        cookies = {}
        if user:
            client = Client()
            client.force_login(user)
            cookies = {"sessionid": client.cookies["sessionid"].value}
        token = "a" * 32
        self.http = httpx.Client(
            base_url=url,
            cookies=cookies | {"csrftoken": token},
            headers={"X-CSRFToken": token, "HX-Request": "true"},
            timeout=30,
        )

    def ask(self, session: Any, text: str = "What is the notice period?", **fields: Any) -> str:
        """Asks, and returns the address of the reply's stream."""
        answer = self.http.post(f"/chat/{session.pk}/send/", data={"text": text, **fields})
        assert answer.status_code == 200, answer.text
        return re.findall(r'data-src="([^"]+)', answer.text)[-1]

    @contextmanager
    def reading(self, stream_url: str, last_id: str = "") -> Iterator[Iterator[Event]]:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        with self.http.stream("GET", stream_url, headers=headers) as response:
            assert response.status_code == 200, response.status_code
            assert response.headers["content-type"].startswith("text/event-stream")
            yield events(response.iter_lines())

    def read(self, stream_url: str, last_id: str = "") -> list[Event]:
        with self.reading(stream_url, last_id) as found:
            return list(found)


def events(lines: Iterator[str]) -> Iterator[Event]:
    """Events up to and with the one that ends the reply."""
    name, event_id, data = "", "", []
    for line in lines:
        kind, _, value = line.partition(": ")
        if kind == "event":
            name = value
        elif kind == "id":
            event_id = value
        elif kind == "data":
            data.append(value)
        elif not line and name:
            yield Event(name, "\n".join(data), event_id)
            if name in {"done", "failed"}:
                return
            name, data = "", []


def text_of(found: list[Event]) -> str:
    """The escaped text that a page would show at the end of the stream."""
    return "".join(json.loads(event.data) for event in found if event.name == "token")
