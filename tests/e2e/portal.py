"""A portal out of a package that the walk downloaded, served from its own folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from django.conf import settings

from tests.e2e.conftest import LINK, Running, stop
from tests.servers.ports import free_port, wait_until


@contextmanager
def served(archive: Path, folder: Path) -> Iterator[Running]:
    """`manage.py serve`, the last line of the package's `make run`, on an empty data folder."""
    with zipfile.ZipFile(archive) as package:
        package.extractall(folder)
    (root,) = folder.iterdir()
    data = folder / "data"
    data.mkdir()
    port = free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {
        **kept,
        "PORTAL_DATA_DIR": str(data),
        "PORTAL_MODEL_CACHE": settings.MODEL_CACHE,
    }
    with (data / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-u", "manage.py", "serve", "--port", str(port)],
            cwd=root / "portal",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    running = Running(f"http://localhost:{port}", "", data, process)
    try:
        wait_until(lambda: "Data:" in running.log, what="the portal did not start", timeout_s=90)
        wait_until(
            lambda: httpx.get(f"{running.url}/readyz").json()["knowledge"] == "ready",
            what="the portal's knowledge was not ready",
            timeout_s=90,
        )
        if link := LINK.search(running.log):
            running.first_admin = link.group(0)
        yield running
    finally:
        stop(running)
