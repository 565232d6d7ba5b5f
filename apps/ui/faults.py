"""What fails around the program rather than in it: database, cache, disk. Said in words, each once."""

from __future__ import annotations

import errno

from django.db import DatabaseError, InterfaceError, OperationalError

from apps.runtime.errors import ServiceFault

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskFull(ServiceFault):
    code = "server.disk-full"
    sentence = "The disk of the server is full. Nothing of this was saved. Free some space, then try again."
    status = 507


class DatabaseBusy(ServiceFault):
    code = "server.database-busy"
    sentence = (
        "The database is busy with other work. Nothing of this was saved; try again in a moment."
    )
    status = 503


class DatabaseAway(ServiceFault):
    code = "server.database-away"
    sentence = (
        "The database does not answer. Nothing of this was saved. Try again in a moment; if it "
        "stays, an administrator has to look at the database server."
    )
    status = 503


class CacheAway(ServiceFault):
    code = "server.cache-away"
    sentence = (
        "Redis does not answer, and without it attempts cannot be counted. Try again in a moment; "
        "if it stays, an administrator has to look at the server in REDIS_URL."
    )
    status = 503


def fault_of(error: BaseException | None) -> ServiceFault | None:
    """The fault of the surroundings behind an exception, or None if it is an error of ours."""
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return DiskFull()
    if isinstance(error, DatabaseError | InterfaceError):
        return _of_database(error)
    if type(error).__module__ == "redis.exceptions":
        return CacheAway()
    return None


def database_full(error: BaseException) -> bool:
    """Whether the database has no room left: SQLite says it in words, PostgreSQL by code 53100."""
    return "disk is full" in str(error) or _code(error) == "53100"


def _of_database(error: DatabaseError | InterfaceError) -> ServiceFault | None:
    if database_full(error):
        return DiskFull()
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    if "locked" in str(error) or _code(error) in {"40001", "40P01", "55P03"}:
        return DatabaseBusy()
    known = "no such table" in str(error) or "no such column" in str(error)
    return None if known else DatabaseAway()


def _code(error: BaseException) -> str:
    return str(getattr(error.__cause__, "sqlstate", "") or "")
