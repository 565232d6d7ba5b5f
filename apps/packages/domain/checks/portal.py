"""Starts the packaged portal's Django in a child process and lets it check itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from apps.packages.domain.checks.files import error
from apps.packages.domain.tree import Entry
from apps.projects.domain.findings import Finding

TIMEOUT_S = 60
PROGRAM = """
import os, sys
sys.path.insert(0, os.getcwd())
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
import apps
if os.path.dirname(os.path.dirname(os.path.abspath(apps.__file__))) != os.getcwd():
    sys.exit("the packaged code was not the code that was imported: " + apps.__file__)
import django
from django.core.management import call_command
django.setup()
call_command("check")
call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)
import portal.asgi, portal.celery, portal.gateway, worker.tasks.knowledge
"""


class PortalCheck:
    """Runs beside the other checks: entering starts it, `findings()` waits for it."""

    def __init__(self, entries: Sequence[Entry], python: str = sys.executable) -> None:
        self._entries = [entry for entry in entries if entry.path.startswith("portal/")]
        self._python = python
        self._folder = Path()
        self._child: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="portal-check-"))
        for entry in self._entries:
            _unpack(entry, self._folder)
        self._child = subprocess.Popen(
            [self._python, "-c", PROGRAM],
            cwd=self._folder / "portal",
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self

    def findings(self) -> list[Finding]:
        assert self._child  # noqa: S101 - entered
        try:
            output, errors = self._child.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return [
                error("package.portal-check", f"The portal did not start within {TIMEOUT_S} s.")
            ]
        if self._child.returncode == 0:
            return []
        lines = [line for line in (errors or output).splitlines() if line.strip()]
        reason = " ".join(line.strip() for line in lines[-3:])[:500] or "no message"
        return [error("package.portal-check", f"The portal's own check failed: {reason}")]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._child and self._child.poll() is None:
            self._child.kill()
        if self._child:
            with suppress(ValueError):
                self._child.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        """Nothing of ours: the packaged portal must start on its own defaults."""
        return {
            "PATH": os.defpath,
            "PORTAL_DATA_DIR": str(self._folder / "data"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
        }


def _unpack(entry: Entry, folder: Path) -> None:
    target = folder / entry.path
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(entry.source, Path):
        shutil.copyfile(entry.source, target)
    else:
        target.write_bytes(entry.source)
