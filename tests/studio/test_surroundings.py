"""What the studio leans on goes away and comes back while it runs: PostgreSQL, Redis."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import celery_worker, postgresql, redis
from tests.servers.ports import wait_until
from tests.servers.studio import StudioServer

TOKEN = """
from apps.accounts.models import User
from apps.accounts.services import create_token
print(create_token(User.objects.get(), "tests")[1])
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short enough for a socket's path, and open to the account of the database server."""
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        Path(name).chmod(0o755)
        yield Path(name) / "server"


def signed_in(server: StudioServer) -> httpx.Client:
    browser = httpx.Client(base_url=server.url, timeout=30, follow_redirects=True)
    browser.get("/accounts/login/")
    form = {"username": server.username, "password": server.password}
    form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
    assert browser.post("/accounts/login/", data=form).status_code == 200
    return browser


def program(server: StudioServer) -> httpx.Client:
    token = server.manage("shell", "-v", "0", "-c", TOKEN).strip()
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{server.url}/api/v1", headers=headers, timeout=30)


def test_postgresql_goes_away_and_comes_back(
    folder: Path, make_studio: Callable[..., StudioServer]
) -> None:
    server = make_studio(DATABASE_URL=postgresql.start(folder))
    browser, api = signed_in(server), program(server)
    assert browser.get("/projects/").status_code == api.get("/projects").status_code == 200

    postgresql.pause(folder)
    page, fragment = (
        browser.get("/projects/"),
        browser.get("/projects/", headers={"HX-Request": "true"}),
    )
    problem = api.get("/projects")

    assert [answer.status_code for answer in (page, fragment, problem)] == [503] * 3
    assert "The database does not answer" in page.text
    assert "The database does not answer" in fragment.headers["HX-Trigger"]
    assert problem.json()["code"] == "server.database-away"

    postgresql.resume(folder)
    wait_until(
        lambda: browser.get("/projects/").status_code == 200, what="no page came back", timeout_s=10
    )
    assert {browser.get("/projects/").status_code for _ in range(12)} == {200}
    assert api.post("/projects", json={"application": "qna", "title": "After"}).status_code == 201


def test_redis_goes_away_and_comes_back(
    tmp_path: Path, make_studio: Callable[..., StudioServer]
) -> None:
    broker = redis.start(tmp_path / "redis")
    server = make_studio(
        STUDIO_JOBS_MODE="broker", CELERY_BROKER_URL=broker.url, REDIS_URL=broker.url
    )
    database_url = f"sqlite:///{server.data / 'studio.sqlite3'}"
    worker = celery_worker.start(
        broker_url=broker.url,
        database_url=database_url,
        log=tmp_path / "celery.log",
        STUDIO_DATA_DIR=str(server.data),
    )
    try:
        _redis_walk(server, broker, tmp_path)
    finally:
        worker.stop()


def _redis_walk(server: StudioServer, broker: redis.Redis, tmp_path: Path) -> None:
    api = program(server)
    documents = f"/collections/{api.post('/collections', json={'title': 'Handbook'}).json()['id']}/documents"
    first = _upload(api, documents, "before.md")
    assert _ended(api, first["id"])["status"] == "succeeded"

    broker.stop()
    refused = api.get("/projects")
    login = httpx.get(f"{server.url}/accounts/login/", timeout=30)
    form = {
        "username": "admin",
        "password": "wrong",
        "csrfmiddlewaretoken": login.cookies["csrftoken"],
    }
    attempt = httpx.post(
        f"{server.url}/accounts/login/", data=form, cookies=dict(login.cookies), timeout=30
    )

    assert (login.status_code, attempt.status_code, refused.status_code) == (200, 503, 503)
    assert "Redis does not answer" in attempt.text
    assert refused.json()["code"] == "server.cache-away"

    back = redis.start(tmp_path / "redis", broker.port)
    try:
        assert api.get("/projects").status_code == 200
        second = _upload(api, documents, "after.md")
        assert _ended(api, second["id"])["status"] == "succeeded"
    finally:
        back.stop()


def _upload(api: httpx.Client, path: str, name: str) -> Any:
    answer = api.post(path, files={"files": (name, b"# Leave\n\nThirty days of leave.\n")})
    assert answer.status_code == 202, answer.text
    return answer.json()["job"]


def _ended(api: httpx.Client, job_id: str) -> Any:
    deadline = time.monotonic() + 60
    while (job := api.get(f"/jobs/{job_id}").json())["status"] in {"queued", "running"}:
        assert time.monotonic() < deadline, job
        time.sleep(0.2)
    return job
