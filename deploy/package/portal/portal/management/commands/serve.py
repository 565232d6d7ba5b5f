from __future__ import annotations

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import uvicorn
import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.jobs.sweeper import start_sweeper
from portal.proxies import behind_proxies
from portal.start import collect_static, first_admin_link, prepare, serving_file

GRACE_S = 20
"""Open answers may end within this time after a stop was asked for; below the engine's 30 s."""


class Command(BaseCommand):
    help = "Serve the portal. Embedded defaults: background work is done in this process too."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8080)

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        embedded = settings.JOBS_MODE == "embedded"
        base = settings.PORTAL_URL or f"http://localhost:{port}"
        with _single_instance(base) if embedded else nullcontext(), _bound(host, port) as listener:
            prepare()
            collect_static()
            start_sweeper()
            self._announce(base)
            with suppress(KeyboardInterrupt):
                uvloop.run(_server().serve(sockets=[listener]))

    def _announce(self, base: str) -> None:
        self.stdout.write(f"\n  {settings.SHELL_NAME} is ready:  {base}/")
        if link := first_admin_link(base):
            self.stdout.write(f"  First administrator, choose your password once:  {link}")
        if not settings.APPLICATION.generates:
            self.stdout.write("  No language model is connected: answers quote the best passages.")
        self.stdout.write(f"  Data: {settings.DATA_DIR}   Background work: {settings.JOBS_MODE}\n")
        self.stdout.flush()


@contextmanager
def _single_instance(address: str) -> Iterator[None]:
    """Embedded processes do not share: two would do the same background work twice. The file says
    where the one that runs is reached."""
    with serving_file().open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise CommandError(
                f"the portal already runs on {settings.DATA_DIR}: {file.read()}/ Stop it first, or "
                "set PORTAL_DATA_DIR to another folder."
            ) from error
        file.truncate(0)
        file.write(address)
        file.flush()
        yield


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"port {port} on {host} is not free ({error.strerror}). Stop the other program or "
                f"choose a port: make run PORT={port + 1 if port < 65535 else 8081}"
            ) from error
        listener.listen(2048)
        listener.setblocking(False)
        yield listener


def _server() -> uvicorn.Server:
    from portal.asgi import application  # noqa: PLC0415 - reads the collected static files

    trusted = settings.TRUST_PROXY

    return uvicorn.Server(
        uvicorn.Config(
            behind_proxies(application, settings.PROXIES) if trusted else application,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="on",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
