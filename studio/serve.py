"""`make run`: migrate, collect static files, start web and background work, print where to go."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn

GRACE_S = 5


class Refused(Exception):
    """The start cannot go on; the text is the one line a person reads."""


def main() -> int | str:
    started = time.monotonic()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    import uvloop
    from django.core.exceptions import ImproperlyConfigured

    try:
        host, port = _address()
        _load_django()
        from apps.jobs.sweeper import start_sweeper

        with _single_instance(host, port), _bound(host, port) as listener:
            _prepare()
            server = _server()
            start_sweeper()
            _announce(host, port, time.monotonic() - started)
            uvloop.run(server.serve(sockets=[listener]))
    except (Refused, ImproperlyConfigured) as refusal:
        return f"GenAI Studio did not start: {refusal}"
    except KeyboardInterrupt:
        pass
    return 0


def _address() -> tuple[str, int]:
    from apps.ui import env

    return env.text("STUDIO_HOST", "127.0.0.1"), env.number("STUDIO_PORT", 8000, low=1, high=65535)


def _load_django() -> None:
    import django

    try:
        django.setup()
    except OSError as error:
        raise Refused(
            f"the data folder cannot be written to: {error}. Set STUDIO_DATA_DIR to a folder of yours."
        ) from error


@contextlib.contextmanager
def _single_instance(host: str, port: int) -> Iterator[None]:
    """One embedded studio per data folder: two would share one SQLite file and one set of jobs."""
    from django.conf import settings

    path = settings.DATA_DIR / "serve.lock"
    try:
        file: IO[str] = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path} cannot be written to ({error.strerror}).") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise Refused(f"it already runs on this data folder: {file.read().strip()}") from error
        file.truncate(0)
        file.write(f"http://{host}:{port}/ (process {os.getpid()})")
        file.flush()
        yield


@contextlib.contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise Refused(_why_not_bound(host, port, error)) from error
        listener.listen(2048)
        listener.setblocking(False)
        yield listener


def _why_not_bound(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is no address of this machine. Choose one, or leave HOST out."
    other = f"make run PORT={port + 1 if 1024 <= port < 65535 else 8001}"
    if error.errno == errno.EACCES:
        return f"port {port} is kept for the system's own services. Choose another: {other}"
    return (
        f"port {port} on {host} is not free ({error.strerror}). Stop the other program, or choose "
        f"a port: {other}"
    )


def _prepare() -> None:
    from django.core.management import call_command
    from django.db.utils import OperationalError

    try:
        call_command("migrate", verbosity=0, interactive=False)
    except OperationalError as error:
        raise Refused(f"the database does not answer: {error}. Check DATABASE_URL.") from error
    collect_static()


def collect_static() -> None:
    """Copy and compress the built front end, if it changed since the last start."""
    from django.conf import settings
    from django.core.management import call_command

    built = sorted(path for folder in settings.STATICFILES_DIRS for path in _files(folder))
    text = "\n".join(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}" for path in built)
    wanted = hashlib.sha256(text.encode()).hexdigest()
    stamp = settings.STATIC_ROOT / ".stamp"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    if not any(path.name == "app.css" for path in built):
        raise Refused("the front end is not built. Run `make setup`.")
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(wanted, encoding="utf-8")


def _files(folder: tuple[str, Path] | Path) -> Iterator[Path]:
    root = folder[1] if isinstance(folder, tuple) else folder
    return (path for path in Path(root).rglob("*") if path.is_file())


def _server() -> uvicorn.Server:
    import uvicorn

    from studio.asgi import application

    return uvicorn.Server(
        uvicorn.Config(
            application,
            log_level="warning",
            access_log=False,
            lifespan="on",
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )


def _announce(host: str, port: int, seconds: float) -> None:
    from django.conf import settings

    from apps.accounts.services import first_admin_url

    shown = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::1", "::"} else host  # noqa: S104
    base = f"http://{shown}:{port}"
    path = first_admin_url()
    print(f"\n  GenAI Studio is ready after {seconds:.1f} s:  {base}/", flush=True)
    if path:
        print(f"  First administrator, choose your password once:  {base}{path}")
    print(f"  Data: {settings.DATA_DIR}   Background work: {settings.JOBS_MODE}   Stop: Ctrl-C\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
