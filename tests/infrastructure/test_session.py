"""The test session itself: what the fixtures promise to every other test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from apps.accounts.models import User
from apps.jobs import services
from apps.jobs.enums import JobStatus
from tests import conftest
from tests.servers import redis


def test_session_writes_below_its_own_folder() -> None:
    root = Path(os.environ["STUDIO_TEST_ROOT"])

    assert root / os.environ.get("PYTEST_XDIST_WORKER", "main") == settings.DATA_DIR
    assert str(settings.DATA_DIR) == os.environ["STUDIO_DATA_DIR"]
    assert root in settings.MEDIA_ROOT.parents
    assert settings.JOBS_MODE == "eager"


def test_database_is_the_one_asked_for(db: None) -> None:
    assert connection.vendor == os.environ.get("STUDIO_TEST_DATABASE", "sqlite")


def test_cast_are_different_people(
    owner: User, teammate: User, stranger: User, admin: User
) -> None:
    assert User.objects.count() == 4
    assert [user.is_superuser for user in (owner, teammate, stranger, admin)] == [False] * 3 + [
        True
    ]


def test_missing_redis_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(redis, "program", lambda: None)
    monkeypatch.delenv("STUDIO_TEST_OPTIONAL", raising=False)

    with pytest.raises(pytest.fail.Exception, match="apt-get install redis-server"):
        redis.start(tmp_path)

    monkeypatch.setenv("STUDIO_TEST_OPTIONAL", "1")
    with pytest.raises(pytest.skip.Exception, match="redis-server is not on this machine"):
        redis.start(tmp_path)


def test_job_runs_in_both_modes(job_mode: str, owner: User, finished) -> None:
    job = services.start_job(
        kind="knowledge.ingest",
        target_id="00000000-0000-0000-0000-000000000000",
        title="A collection that is gone",
        owner=owner,
    )

    ended = finished(job)

    assert ended.status == JobStatus.CANCELLED
    assert ended.claimed_by
    own_process = f":{os.getpid()}:" in ended.claimed_by
    assert own_process == (job_mode == "embedded")


def test_other_processes_name_the_same_database(db: None) -> None:
    assert connection.settings_dict["NAME"] in conftest.database_url()
