"""200 open streams on one web process: time to first token added to the upstream's own.

Three processes apart: the fake model server (the truth), the studio under uvicorn as `make run` serves
it, and this client. Both ways ask for the same model at the same pace in the same run: straight to the
upstream, and through the browser's path (question by POST, then the reply's stream, signed in, stored).
Once with arrivals spread over 10 s and once all in the same instant, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import orjson
import psutil
import uvloop

from tests.servers.environment import PROJECT
from tests.servers.ports import accepts, free_port, wait_until

STREAMS = 200
SPREAD_S = 10.0
MODEL = "fake-ttft300-itl40-n40"
LONG = "fake-ttft300-itl40-n200"
QUESTION = "the notice period is three months"
CUT_SHARE = 0.1
CLOSED_WITHIN_S = 10.0
TOKEN = "b" * 32

SEED = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from apps.accounts.models import User
from apps.chat.models import ChatSession
from apps.connections.services import create_endpoint
from apps.projects.services import create_project, save_draft
from apps.projects.version_services import build_version
owner = User.objects.create_superuser("owner", "owner@example.org", "unused-password")
create_endpoint(owner=owner, name="fake", base_url={url!r})
project = create_project(owner=owner, application="qna", title="Bench", name="bench")
versions = []
for revision, model in enumerate({models!r}, 1):
    save_draft(project=project, base_revision=revision, by=owner, yaml='''apiVersion: genai.studio/v1
kind: Project
metadata: {{name: bench, title: Bench}}
spec: {{application: qna, model: {{connection: fake, name: ''' + model + "}}}}")
    versions.append(build_version(project=project, by=owner))
people = []
for number in range({count}):
    store = SessionStore()
    store[SESSION_KEY] = str(owner.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = owner.get_session_auth_hash()
    store.save()
    keys = [versions[0].app_key, versions[0].app_key, versions[1].app_key]
    chats = [str(ChatSession.objects.create(owner=owner, app_key=key).pk) for key in keys]
    people.append([store.session_key, *chats])
print("SEED" + json.dumps({{"project": str(project.pk), "people": people}}))
"""


Ask = Callable[[aiohttp.ClientSession, int], Awaitable[tuple[float, str]]]


@dataclass
class Upstream:
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def state(self) -> dict[str, Any]:
        return httpx.get(f"http://127.0.0.1:{self.port}/fake/state").json()


@dataclass
class Studio:
    url: str
    process: psutil.Process
    project: str
    people: list[list[str]]


@dataclass(frozen=True)
class Load:
    """column: the conversations of `Studio.people` that it asks in; each has one question in it.
    limits: of the added time to first token, p50 and p99."""

    what: str
    spread_s: float
    column: int
    limits: tuple[str, str]


LOADS = (
    Load("spread over 10 s", SPREAD_S, 1, ("under 60", "under 300")),
    Load("in the same instant", 0.0, 2, ("", "under 1500")),
)


@dataclass
class Run:
    """Seconds to first token, and what each stream said; index = stream."""

    first: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    failed: int = 0


def main() -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    with tempfile.TemporaryDirectory(prefix="bench-streams-") as name, upstream() as fake:
        folder = Path(name)
        direct = {each: uvloop.run(everyone(each.spread_s, straight_to(fake))) for each in LOADS}
        for kind, database in databases():
            with studio(folder / kind, database, fake) as served:
                found = [*idle(served), *measure(served, direct)]
                found += cut_streams(served, fake) if kind == "sqlite" else []
                rows += [(f"{kind}: {what}", *rest) for what, *rest in found]
    return rows


def idle(served: Studio) -> Iterator[tuple[str, str, str]]:
    idle_mib = served.process.memory_info().rss / 2**20
    yield "idle web process, RSS, MiB", f"{idle_mib:.0f}", "under 200"
    for what, milliseconds in page_times(served).items():
        yield what, f"{milliseconds:.0f}", "under 100"


def measure(served: Studio, direct_runs: dict[Load, Run]) -> Iterator[tuple[str, str, str]]:
    for load, direct in direct_runs.items():
        what, limits = load.what, load.limits
        ours = uvloop.run(everyone(load.spread_s, through(served, load.column)))
        p50, p99 = (
            1000 * (percentile(ours.first, share) - percentile(direct.first, share))
            for share in (0.5, 0.99)
        )
        yield f"{STREAMS} streams {what}: TTFT added, p50, ms", f"{p50:.0f}", limits[0]
        yield f"{STREAMS} streams {what}: TTFT added, p99, ms", f"{p99:.0f}", limits[1]
        whole = direct.texts[0]
        lost = sum(len(whole) - len(text) for text in ours.texts if text != whole) + ours.failed
        yield f"{STREAMS} streams {what}: characters lost, streams failed", f"{lost}", "0"


def cut_streams(served: Studio, fake: Upstream) -> Iterator[tuple[str, str, str]]:
    """Every tenth client leaves after a few tokens; how long its upstream request lives on."""
    before = fake.state()
    cut = {n for n in range(STREAMS) if n % round(1 / CUT_SHARE) == 0}

    async def ask(client: aiohttp.ClientSession, n: int) -> tuple[float, str]:
        return await ask_studio(client, served, n, 3, leave_after=5 if n in cut else None)

    run = uvloop.run(everyone(2.0, ask))
    left_at = time.monotonic()
    while fake.state()["open_streams"] and time.monotonic() - left_at < CLOSED_WITHIN_S:
        time.sleep(0.1)
    after = fake.state()
    aborted = after["streams_aborted"] - before["streams_aborted"]
    yield "10 % cut by the client: upstream requests still open", f"{after['open_streams']}", "0"
    yield "10 % cut by the client: upstream requests closed early", f"{aborted}", f"{len(cut)}"
    whole = max(run.texts, key=len)
    short = sum(text != whole for n, text in enumerate(run.texts) if n not in cut) + run.failed
    yield "10 % cut by the client: other streams not whole", f"{short}", "0"


async def everyone(spread_s: float, ask: Ask) -> Run:
    """All streams, each at its planned time."""
    run = Run()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as client:
        begin = asyncio.get_running_loop().time() + 0.3

        async def one(n: int) -> tuple[float, str]:
            planned = begin + spread_s * n / STREAMS
            await asyncio.sleep(planned - asyncio.get_running_loop().time())
            return await ask(client, n)

        ended = await asyncio.gather(*(one(n) for n in range(STREAMS)), return_exceptions=True)
    for each in ended:
        if isinstance(each, BaseException):
            run.failed += 1
            run.texts.append("")
        else:
            run.first.append(each[0])
            run.texts.append(each[1])
    return run


def straight_to(fake: Upstream) -> Ask:
    return lambda client, n: ask_upstream(client, fake)


def through(served: Studio, column: int) -> Ask:
    return lambda client, n: ask_studio(client, served, n, column)


async def ask_upstream(client: aiohttp.ClientSession, fake: Upstream) -> tuple[float, str]:
    body = {
        "model": MODEL,
        "stream": True,
        "messages": [{"role": "user", "content": QUESTION}],
    }
    began, first, parts = time.perf_counter(), 0.0, []
    async with client.post(f"{fake.url}/chat/completions", json=body) as response:
        async for line in response.content:
            if line.startswith(b"data: {"):
                for choice in orjson.loads(line[6:])["choices"]:
                    if text := choice["delta"].get("content"):
                        first = first or time.perf_counter() - began
                        parts.append(text)
    return first, "".join(parts)


async def ask_studio(
    client: aiohttp.ClientSession,
    served: Studio,
    n: int,
    column: int,
    leave_after: int | None = None,
) -> tuple[float, str]:
    person = served.people[n]
    headers = {
        "Cookie": f"sessionid={person[0]}; csrftoken={TOKEN}",
        "X-CSRFToken": TOKEN,
        "HX-Request": "true",
    }
    began, first, parts, name = time.perf_counter(), 0.0, [], b""
    send = f"{served.url}/chat/{person[column]}/send/"
    async with client.post(send, data={"text": QUESTION}, headers=headers) as response:
        response.raise_for_status()
        html = await response.text()
    found = re.search(r'data-src="([^"]+)', html)
    if not found:
        raise ValueError("the answer to the question names no stream")
    async with client.get(served.url + found[1], headers=headers) as response:
        response.raise_for_status()
        async for line in response.content:
            if line.startswith(b"event: "):
                name = line[7:-1]
            elif line.startswith(b"data: ") and name == b"token":
                first = first or time.perf_counter() - began
                parts.append(orjson.loads(line[6:]))
                if leave_after and len(parts) >= leave_after:
                    response.close()
                    return first, "".join(parts)
            elif name in (b"done", b"failed"):
                break
    return first, "".join(parts)


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def page_times(served: Studio) -> dict[str, float]:
    """Milliseconds until the whole page is there: the very first, and the median of ten."""
    times = []
    path = f"/projects/{served.project}/sandbox/"
    with httpx.Client(base_url=served.url, cookies={"sessionid": served.people[0][0]}) as client:
        for _ in range(11):
            began = time.perf_counter()
            client.get(path).raise_for_status()
            times.append(1000 * (time.perf_counter() - began))
    return {
        "chat page, first after the start, ms": times[0],
        "chat page, median, ms": sorted(times[1:])[5],
    }


@contextmanager
def upstream() -> Iterator[Upstream]:
    fake = Upstream()
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--port", str(fake.port)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: accepts(fake.port), what="the fake model server did not start")
        yield fake
    finally:
        process.terminate()
        process.wait(5)


@contextmanager
def studio(data: Path, database: str, fake: Upstream) -> Iterator[Studio]:
    """A migrated studio with one built project and a session for everybody, served by uvicorn."""
    data.mkdir()
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {
        "STUDIO_DATA_DIR": str(data),
        "STUDIO_LOG_LEVEL": "WARNING",
    }
    if database:
        environment["DATABASE_URL"] = database
    manage(environment, "migrate", "--verbosity", "0")
    manage(environment, "collectstatic", "--no-input", "--verbosity", "0")
    seeded = manage(
        environment, "shell", "-c", SEED.format(url=fake.url, models=[MODEL, LONG], count=STREAMS)
    )
    facts = orjson.loads(seeded.partition("SEED")[2])
    options = ["--port", str(port), "--log-level", "warning", "--timeout-graceful-shutdown", "3"]
    with (data / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "studio.asgi:application", *options],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: accepts(port), what="the studio did not start")
        url = f"http://127.0.0.1:{port}"
        yield Studio(url, psutil.Process(process.pid), facts["project"], facts["people"])
    finally:
        process.terminate()
        process.wait(15)


def manage(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {arguments[0]}: {done.stderr[-2000:]}")
    return done.stdout


def databases() -> Iterator[tuple[str, str]]:
    """Name and address: the embedded default, and a PostgreSQL where its package is installed."""
    yield "sqlite", ""
    try:
        from tests.servers.postgresql import start

        folder = Path(tempfile.mkdtemp(prefix="bench-postgresql-"))
        folder.chmod(0o755)  # the server's account must reach its data below
        atexit.register(shutil.rmtree, folder, ignore_errors=True)  # after the server has stopped
        yield "postgresql", start(folder / "pg")
    except (ImportError, RuntimeError) as error:
        print(f"PostgreSQL is not measured: {error}")


if __name__ == "__main__":
    for row in main():
        print("{:<75} {:>8}  {}".format(*row))
