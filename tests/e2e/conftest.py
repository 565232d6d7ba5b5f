"""The studio as `make run` starts it, and one browser that walks through it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.e2e.browser import ARGUMENTS, ROOT, Look, Watch, launch
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.servers.environment import PROJECT
from tests.servers.ports import free_port, wait_until

LINK = re.compile(r"http://\S+/accounts/first/\S+")
WALK_PASSWORD = "violet-harbour-lantern-42"


@dataclass
class Running:
    url: str
    first_admin: str
    data: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        return (self.data / "serve.log").read_text(errors="replace")


def start(data: Path, port: int) -> Running:
    """`python -m studio.serve`, the last line of `make run`, on an empty data folder."""
    data.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        "STUDIO_DATA_DIR": str(data),
        "STUDIO_PORT": str(port),
        "STUDIO_REGISTRATION": "true",
        "DJANGO_SETTINGS_MODULE": "studio.settings",
    }
    for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "STUDIO_JOBS_MODE"):
        environment.pop(name, None)
    with (data / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "studio.serve"],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    running = Running(f"http://localhost:{port}", "", data, process)
    wait_until(lambda: "Data: " in running.log, what="the studio did not start")
    if link := LINK.search(running.log):
        running.first_admin = link.group(0)
    return running


def stop(running: Running) -> None:
    running.process.terminate()
    try:
        running.process.wait(10)
    except subprocess.TimeoutExpired:
        running.process.kill()
        running.process.wait()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp("studio"), free_port())
    yield running
    stop(running)


@pytest.fixture(scope="module")
def debugging_port() -> int:
    """Where the walk's browser takes commands of other programs."""
    return free_port()


@pytest.fixture(scope="module")
def context(debugging_port: int) -> Iterator[BrowserContext]:
    assert (ROOT / "node_modules").is_dir(), "node_modules is missing: run `make setup`"
    with sync_playwright() as playwright:
        browser = launch(playwright, [*ARGUMENTS, f"--remote-debugging-port={debugging_port}"])
        made = browser.new_context(
            viewport={"width": 1440, "height": 900}, reduced_motion="reduce", accept_downloads=True
        )
        made.set_default_timeout(15_000)
        yield made
        browser.close()


@pytest.fixture(scope="module")
def model_server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(Behaviour(ttft_ms=20, itl_ms=5)) as server:
        yield server


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def page(context: BrowserContext, watch: Watch) -> Page:
    page = context.new_page()
    watch.attach(page)
    return page


@pytest.fixture(scope="module")
def look(page: Page, watch: Watch) -> Look:
    return Look(page, watch)


@pytest.fixture(autouse=True)
def _quiet_console(watch: Watch) -> Iterator[None]:
    """Whatever a page complained about during a step fails that step."""
    watch.complaints.clear()
    watch.allowed = ()
    yield
    assert watch.complaints == []
