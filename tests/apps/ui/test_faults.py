from __future__ import annotations

import errno

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection
from django.test import Client
from redis.exceptions import ConnectionError as RedisGone

from apps.accounts.models import User
from apps.ui.faults import database_full, fault_of


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "server.disk-full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "server.disk-full"),
        (OperationalError("database or disk is full"), "server.disk-full"),
        (OperationalError("database is locked"), "server.database-busy"),
        (OperationalError("connection failed: Connection refused"), "server.database-away"),
        (RedisGone("Connection refused"), "server.cache-away"),
    ],
)
def test_fault_of_the_surroundings_has_a_name(error: Exception, code: str) -> None:
    fault = fault_of(error)

    assert fault is not None
    assert fault.code == code


@pytest.mark.parametrize(
    "error",
    [
        None,
        ValueError("x"),
        OSError(errno.ENOENT, "No such file"),
        IntegrityError("UNIQUE constraint failed"),
        DataError("value too long"),
        OperationalError("no such table: x"),
    ],
    ids=repr,
)
def test_errors_of_ours_stay_ours(error: Exception | None) -> None:
    assert fault_of(error) is None


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="SQLite can be told to have no more pages"
)
@pytest.mark.django_db(transaction=True)
def test_full_disk_is_said_and_nothing_is_half_written(owner_client: Client, owner: User) -> None:
    """A database that may not grow answers as on a full disk, by the same code of SQLite."""
    owner_client.raise_request_exception = False
    with connection.cursor() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count={pages}")
        try:
            with pytest.raises(OperationalError) as refused:
                cursor.execute("CREATE TABLE large AS SELECT randomblob(900000000 / 100) AS b")
            answers = [_create(owner_client, number) for number in range(60)]
        finally:
            cursor.execute("PRAGMA max_page_count=1073741823")

    full = [answer for answer in answers if answer.status_code == 507]
    assert database_full(refused.value)
    assert full
    assert {answer.status_code for answer in answers} <= {302, 507}
    assert "The disk of the server is full" in full[0].content.decode()
    assert owner.projects.count() == len(answers) - len(full)
    assert all(project.draft.yaml for project in owner.projects.all())


def _create(client: Client, number: int) -> object:
    return client.post(
        "/projects/new/", {"application": "qna", "title": f"Project {number}", "name": ""}
    )
