"""The package's own two commands in an empty folder: `make run` and `make test`, nothing but Python."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.container.sandbox import QUESTION, Tried, export_to
from tests.container.walk import Portal
from tests.servers.ports import free_port

LINK = re.compile(r"http://localhost:\d+/accounts/first/\S+")
ENVIRONMENT = (
    "PATH",
    "HOME",
    "LANG",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_CERT",
    "SSL_CERT_FILE",
)


def surroundings() -> dict[str, str]:
    """A login shell's, without anything of the studio."""
    return {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}


@pytest.fixture(scope="module", params=["index", "documents"])
def package(
    request: pytest.FixtureRequest, tried: Tried, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return export_to(tmp_path_factory.mktemp(request.param), tried, include=request.param)


@pytest.fixture(scope="module")
def tested(package: Path) -> str:
    """`make test` first: it also makes the environment."""
    done = subprocess.run(
        ["make", "test"],
        cwd=package,
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def served(package: Path, tested: str) -> Iterator[tuple[str, str]]:
    """`make run`: the portal's address and the first administrator's link."""
    port = free_port()
    started = time.monotonic()
    child = subprocess.Popen(
        ["make", "run", f"PORT={port}"],
        cwd=package,
        env=surroundings(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout
    try:
        link = next(found for line in child.stdout if (found := LINK.search(line)))
        print(f"\nmake run to its first page: {time.monotonic() - started:.1f} s")
        yield f"http://localhost:{port}", link[0]
    finally:
        os.killpg(child.pid, signal.SIGINT)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def test_package_tests_pass(tested: str) -> None:
    assert re.search(r"\d+ files are as exported", tested)
    assert re.search(r"\nOK", tested)


def test_person_asks_and_gets_the_sandbox_passages(
    served: tuple[str, str], package: Path, browser: Browser, tried: Tried
) -> None:
    url, link = served
    portal = Portal(browser, url, "plain")
    admin = portal.first_administrator(link)
    person = portal.sign_in_by_link(portal.add_person(admin, "nurse"))
    smoke = [
        str(package / "scripts" / "smoke-test"),
        "--json",
        "--wait",
        "300",
        "--question",
        QUESTION,
    ]
    done = subprocess.run(smoke, env=surroundings(), capture_output=True, text=True, check=True)

    text = portal.ask(person)

    assert [tuple(row) for row in json.loads(done.stdout)["passages"]] == tried.passages
    assert "five days" in text
    assert portal.watch.complaints == []


def test_second_start_on_the_same_folder_is_one_clear_line(
    served: tuple[str, str], package: Path
) -> None:
    done = subprocess.run(
        ["make", "run", f"PORT={free_port()}"],
        cwd=package,
        env=surroundings(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "already runs" in done.stderr
    assert "Traceback" not in done.stderr
