"""Paths: safe to unpack anywhere, and none that has no business in a package."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.packages.domain.checks.files import Files, error
from apps.projects.domain.findings import Finding

TOP = {
    ".dockerignore",
    ".env.example",
    ".gitignore",
    "LICENSE",
    "MANIFEST.json",
    "Makefile",
    "README.md",
    "compose.yaml",
    "project.yaml",
    "sbom.cdx.json",
}
FOLDERS = {"compose", "knowledge", "portal", "scripts"}
UNWANTED = re.compile(
    r"(^|/)(\.env|\.git|\.venv|__pycache__|node_modules|\.DS_Store|id_[a-z0-9]+|secret-key|encryption-key)(/|$)"
    r"|\.(sqlite3(-wal|-shm)?|pyc|pem|key|p12|pfx|log|part)$"
)
DRIVE = re.compile(r"^[A-Za-z]:")
LONGEST = 240
"""Bytes of a path below the package's folder; with a home folder before it, file systems still take it."""


def check_names(files: Files) -> Iterator[Finding]:
    folded: dict[str, str] = {}
    for path in files.paths:
        if problem := _unsafe(path):
            yield error("package.path-unsafe", f"{path!r} {problem}.", path)
        elif not _expected(path):
            yield error("package.path-unexpected", f"{path} has no business in a package.", path)
        twin = folded.setdefault(path.casefold(), path)
        if twin != path:
            message = f"{path} and {twin} are one file where upper and lower case are the same."
            yield error("package.path-twice", message, path)
    if len(set(files.paths)) != len(files.paths):
        yield error("package.path-twice", "The same path is planned twice.")


def _unsafe(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or DRIVE.match(path):
        return "is not a relative path with forward slashes"
    if any(part in {"", ".", ".."} for part in parts):
        return "has an empty or a dotted part"
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        return "has a control character"
    if len(path.encode()) > LONGEST:
        return f"is longer than {LONGEST} bytes"
    return ""


def _expected(path: str) -> bool:
    if path.startswith("knowledge/"):
        return True
    top, _, rest = path.partition("/")
    known = top in FOLDERS if rest else top in TOP
    return known and not UNWANTED.search(path)
