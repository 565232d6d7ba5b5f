"""One process at a time, over all replicas: an advisory lock on PostgreSQL, a file lock beside SQLite."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.db import connection

LOCK_ID = 0x506F7274616C
"""Any number all replicas agree on ("Portal" in ASCII)."""


@contextmanager
def alone() -> Iterator[None]:
    if connection.vendor == "postgresql":
        with _session() as session:
            session.execute("SELECT pg_advisory_lock(%s)", [LOCK_ID])
            yield
        return
    with (settings.DATA_DIR / "prepare.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _session() -> psycopg.Connection:
    """A connection of its own: the lock must outlive what Django does with its pooled ones."""
    database = connection.settings_dict
    return psycopg.connect(
        host=database["HOST"] or None,
        port=database["PORT"] or None,
        user=database["USER"] or None,
        password=database["PASSWORD"] or None,
        dbname=database["NAME"],
        autocommit=True,
    )
