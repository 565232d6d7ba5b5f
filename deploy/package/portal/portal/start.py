"""What has to be true before a process of the portal serves: database, tables, knowledge, static files."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import structlog
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection

from apps.accounts.services import first_admin_url
from apps.knowledge.copies import place
from apps.runtime.errors import StudioError
from portal.application import application
from portal.gateway import model_server
from portal.knowledge import packaged_collections, take_in_knowledge
from portal.locks import alone

log = structlog.get_logger(__name__)

DATABASE_WAIT_S = 60
DEFAULT_URL = "http://localhost:8080"


def prepare() -> None:
    """Wait for the database, migrate, take the packaged knowledge in. Safe on every start and on
    every replica at once. Raises CommandError with one line for a person."""
    _wait_for_database()
    with alone():
        _have_vectors()
        call_command("migrate", verbosity=0, interactive=False)
        try:
            names = take_in_knowledge()
        except StudioError as error:
            raise CommandError(f"the packaged knowledge was not taken in: {error}") from error
    for name in names:
        log.warning("portal.knowledge-taken-in", collection=name)
    _fill_stores()


def _fill_stores() -> None:
    """Have vector stores get what they lack, in the background. Without it the first question would;
    a store or a broker that is not there yet keeps nobody from starting."""
    for server in application().servers:
        if not server.keeps_vectors:
            continue
        try:
            store = model_server(None, server.name)
            for collection in packaged_collections():
                place(collection=collection, server=store)
        except StudioError as error:
            log.warning("portal.store-not-filled", store=server.name, reason=str(error))


def collect_static() -> None:
    """Copy and compress the built front end if it changed; images bring it ready-made."""
    sources = sorted(path for path in _built_files() if path.is_file())
    text = "\n".join(f"{path.name} {path.stat().st_size}" for path in sources)
    wanted = hashlib.sha256(text.encode() + settings.APPLICATION.version.encode()).hexdigest()
    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(wanted, encoding="utf-8")


def serving_file() -> Path:
    """Held by the process of `make run`; its text is the address it serves at."""
    return Path(settings.DATA_DIR) / "serve.lock"


def served_at() -> str:
    """Where `make run` on this data folder serves, or served last; or its default."""
    try:
        return serving_file().read_text() or DEFAULT_URL
    except FileNotFoundError:
        return DEFAULT_URL


def first_admin_link(base: str) -> str:
    """The one-time link that makes the first administrator, or "" once there is one."""
    path = first_admin_url()
    return f"{settings.PORTAL_URL or base}{path}" if path else ""


def _wait_for_database() -> None:
    deadline = time.monotonic() + DATABASE_WAIT_S
    while True:
        try:
            connection.ensure_connection()
        except OperationalError as error:
            if time.monotonic() > deadline:
                raise CommandError(
                    f"the database did not answer for {DATABASE_WAIT_S} s: {error}. Check DATABASE_URL."
                ) from error
            time.sleep(1)
        else:
            return


def _have_vectors() -> None:
    """pgvector's type, which the tables need. Raises CommandError if this user may not add it."""
    if connection.vendor != "postgresql":
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except DatabaseError as error:
        raise CommandError(
            f"PostgreSQL has no extension “vector” ({error}). Install pgvector and let its "
            "administrator run: CREATE EXTENSION vector;"
        ) from error


def _built_files() -> list[Path]:
    return [path for _, folder in settings.STATICFILES_DIRS for path in Path(folder).rglob("*")]
