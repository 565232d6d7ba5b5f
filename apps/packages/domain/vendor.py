"""Copies of the studio's own code and built pages, byte for byte, into the portal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from apps.packages.domain.tree import Entry
from apps.packages.errors import SourceMissing

APPS = ("runtime", "ui", "accounts", "jobs", "knowledge", "chat")
WORKER = (
    "worker/__init__.py",
    "worker/engine_process.py",
    "worker/engines/__init__.py",
    "worker/engines/ingest.py",
    "worker/tasks/__init__.py",
    "worker/tasks/knowledge.py",
)
LOCKS = {"portal.lock": "requirements.lock", "model.lock": "model.lock"}
BUILT_FILE = re.compile(rb"dist/([A-Za-z0-9_.-]+\.[a-z0-9]+)")
SKIPPED = {"__pycache__", ".DS_Store", "static_src"}


@dataclass(frozen=True)
class Sources:
    """Where the studio's files lie: the folder that holds apps/, worker/, static/ and deploy/."""

    root: Path

    def vendored(self) -> list[Entry]:
        """apps/ and worker/ as the portal gets them. Raises SourceMissing."""
        entries = [self._copy("apps/__init__.py", "Python package")]
        for app in APPS:
            files = [
                path.relative_to(self.root).as_posix() for path in _files(self.root / "apps" / app)
            ]
            entries += [self._copy(name, f"the studio's “{app}”, verbatim") for name in files]
        return entries + [self._copy(name, "background work, verbatim") for name in WORKER]

    def built(self, users: list[Entry]) -> list[Entry]:
        """The built scripts and styles that the given templates and modules name.

        Raises SourceMissing if the front end was not built.
        """
        names = {
            name.decode()
            for entry in users
            if entry.path.endswith((".html", ".py"))
            for name in BUILT_FILE.findall(entry.read())
        }
        return [
            Entry(f"portal/static/dist/{name}", self._bytes(f"static/dist/{name}"), "built pages")
            for name in sorted(names)
        ]

    def locks(self) -> list[Entry]:
        return [
            Entry(f"portal/{name}", self._bytes(f"deploy/locks/{lock}"), "libraries, with hashes")
            for lock, name in LOCKS.items()
        ]

    def skeleton(self) -> dict[str, Path]:
        """The package's own files and templates (deploy/package), by their relative path."""
        folder = self._path("deploy/package")
        return {path.relative_to(folder).as_posix(): path for path in _files(folder)}

    def licence(self) -> Entry:
        return Entry("LICENSE", self._bytes("LICENSE"), "licence of the portal")

    def _copy(self, name: str, reason: str) -> Entry:
        return Entry(f"portal/{name}", self._bytes(name), reason)

    def _bytes(self, name: str) -> bytes:
        """Read once: what is hashed, checked and packed is the same, whatever happens meanwhile."""
        return self._path(name).read_bytes()

    def _path(self, name: str) -> Path:
        path = self.root / name
        if not path.exists():
            what = (
                "Build the front end with `make setup`."
                if name.startswith("static/")
                else "Install the studio again."
            )
            raise SourceMissing(path=name, what_to_do=what)
        return path


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not SKIPPED & set(path.parts) and path.suffix != ".pyc":
            yield path
