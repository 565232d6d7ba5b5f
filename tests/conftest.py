"""Fixtures for every test: the cast, and real servers for what a test talks to.

Django is set up here, while pytest loads this file, so that the conftest files below may import
models. Which database: `STUDIO_TEST_DATABASE=sqlite` (default) or `postgresql`.
"""

from __future__ import annotations

# ruff: noqa: E402 - the environment comes before Django reads it
from tests.servers import environment

environment.prepare()

import django
from django.conf import settings as django_settings

django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
django_settings.STORAGES["staticfiles"] = {
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
if django_settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file: threads and worker processes see the same rows, which memory would hide from them.
    test_values = django_settings.DATABASES["default"].setdefault("TEST", {})
    test_values["NAME"] = str(django_settings.DATA_DIR / "test.sqlite3")
django.setup()

import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.jobs.enums import ACTIVE, JobStatus
from apps.jobs.models import Job
from tests.servers import celery_worker, redis, studio
from tests.servers.ports import wait_until

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

    from tests.fakes.openai_server import FakeOpenAI

# What is destroyed after pytest has closed its streams may still want to log; that is no news.
logging.raiseExceptions = False

PASSWORD = "correct horse battery staple"
E2E = environment.PROJECT / "tests" / "e2e"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """A worker that inherits this variable loads the settings before it has its own data folder:
    pytest-django reads it earlier than this file."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def pytest_report_header() -> str:
    return f"database: {connection.vendor}, data: {django_settings.DATA_DIR}"


NEEDS_ROWS = frozenset({"db", "transactional_db", "job_mode", "embedded_jobs", "broker_jobs"})
APART = {
    "e2e": "the walk through a real browser: `make e2e`",
    "container": "the exported package in containers: `.ci/run`",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the browser's tests; with PostgreSQL, leave only the tests that read or write rows."""
    for item in items:
        if E2E in item.path.parents:
            item.add_marker(pytest.mark.e2e)
    if connection.vendor == "postgresql":
        left_out = [item for item in items if not _uses_rows(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _uses_rows(item)]


def _uses_rows(item: pytest.Item) -> bool:
    wanted = NEEDS_ROWS & set(getattr(item, "fixturenames", ()))
    return bool(wanted or item.get_closest_marker("django_db"))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what a selection by marker left out, so that a green line is not read as more than it is."""
    for marker, what in APART.items():
        if f"not {marker}" in str(config.getoption("markexpr")):
            terminalreporter.write_line(f"not run here: {what}")


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """PostgreSQL's whole server goes with the session; dropping a database first would only complain
    of connections that other processes still hold."""
    return bool(connection.vendor == "postgresql")


# The cast -----------------------------------------------------------------------------------------


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner", "owner@example.org", PASSWORD)


@pytest.fixture
def teammate(db: None) -> User:
    return User.objects.create_user("teammate", "teammate@example.org", PASSWORD)


@pytest.fixture
def stranger(db: None) -> User:
    return User.objects.create_user("stranger", "stranger@example.org", PASSWORD)


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("admin", "admin@example.org", PASSWORD)


def _client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def owner_client(owner: User) -> Client:
    return _client_of(owner)


@pytest.fixture
def teammate_client(teammate: User) -> Client:
    return _client_of(teammate)


@pytest.fixture
def stranger_client(stranger: User) -> Client:
    return _client_of(stranger)


@pytest.fixture
def admin_client(admin: User) -> Client:
    return _client_of(admin)


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    """Rate limits and cached indexes of one test are not another's."""
    cache.clear()
    yield


# Background work ----------------------------------------------------------------------------------


@pytest.fixture
def finished() -> Callable[..., Job]:
    """`finished(job, timeout_s=60)` waits until background work has ended and returns its row."""

    def wait(job: Job, timeout_s: float = 60.0) -> Job:
        deadline = time.monotonic() + timeout_s
        while True:
            job.refresh_from_db()
            if job.status not in ACTIVE:
                return job
            if time.monotonic() > deadline:
                raise AssertionError(f"{job.kind} is still {job.status} after {timeout_s:.0f} s")
            time.sleep(0.05)

    return wait


@pytest.fixture
def embedded_jobs(transactional_db: None, settings: SettingsWrapper) -> Iterator[None]:
    """Work runs on threads of this process, as in `make run`."""
    from apps.jobs import dispatch

    settings.JOBS_MODE = "embedded"
    yield
    _end_active_jobs()
    dispatch._executor().shutdown(wait=True, cancel_futures=True)
    dispatch._executor.cache_clear()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[redis.Redis]:
    server = redis.start(django_settings.DATA_DIR / "redis")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _celery_worker(
    redis_server: redis.Redis, django_db_setup: None
) -> Iterator[celery_worker.CeleryWorker]:
    worker = celery_worker.start(
        broker_url=redis_server.url,
        database_url=database_url(),
        log=django_settings.DATA_DIR / "celery.log",
    )
    yield worker
    worker.stop()


@pytest.fixture
def broker_jobs(
    transactional_db: None,
    settings: SettingsWrapper,
    redis_server: redis.Redis,
    _celery_worker: celery_worker.CeleryWorker,
) -> Iterator[celery_worker.CeleryWorker]:
    """Work goes through a real Redis to a real Celery worker process on the same database."""
    from studio.celery import app

    settings.JOBS_MODE = "broker"
    settings.CELERY_BROKER_URL = redis_server.url
    before = app.conf.broker_url
    _use_broker(redis_server.url)
    yield _celery_worker
    app.control.purge()
    _end_active_jobs()
    _use_broker(before)


@pytest.fixture(params=["embedded", "broker"])
def job_mode(request: pytest.FixtureRequest, transactional_db: None) -> str:
    """Runs the test once per mode of background work."""
    request.getfixturevalue(f"{request.param}_jobs")
    return str(request.param)


def database_url() -> str:
    """The test database as another process has to name it."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    host = str(values["HOST"]).replace("/", "%2F")
    return f"postgresql://{values['USER']}@{host}/{values['NAME']}"


def _use_broker(url: str | None) -> None:
    """Celery keeps its connections in two pools that do not notice another address."""
    from studio.celery import app

    app.conf.broker_url = url
    app._pool = app.amqp._producer_pool = None


def _end_active_jobs() -> None:
    """No work of one test may write into the rows of the next."""
    Job.objects.filter(status=JobStatus.QUEUED).update(status=JobStatus.CANCELLED)
    Job.objects.filter(status=JobStatus.RUNNING).update(cancel_requested=True)
    wait_until(
        lambda: not Job.objects.filter(status=JobStatus.RUNNING).exists(),
        what="the background work of this test did not end",
        timeout_s=15,
    )


# Servers ------------------------------------------------------------------------------------------


@pytest.fixture
def openai_server() -> Iterator[FakeOpenAI]:
    """An OpenAI-compatible server on a free port; `.url` ends with /v1."""
    from tests.fakes.openai_server import FakeOpenAI

    with FakeOpenAI() as server:
        yield server


@pytest.fixture(scope="session")
def studio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[studio.StudioServer]:
    """The studio served by uvicorn with embedded defaults; signed in with .username, .password."""
    server = studio.create(tmp_path_factory.mktemp("studio") / "data")
    yield server
    server.stop()


@pytest.fixture
def make_studio(tmp_path: Path) -> Iterator[Callable[..., studio.StudioServer]]:
    """`make_studio(STUDIO_X="…")`: a studio of one's own, to configure, kill or restart."""
    servers: list[studio.StudioServer] = []

    def make(**variables: Any) -> studio.StudioServer:
        servers.append(studio.create(tmp_path / f"studio-{len(servers)}", **variables))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()
