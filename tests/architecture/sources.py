"""The project's own files, read once: modules with what they import, templates, tracked text."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.servers.environment import PROJECT

PACKAGES = ("apps", "studio", "worker")
TEMPLATE_FOLDERS = ("templates", "apps")


@dataclass(frozen=True)
class Import:
    """One imported dotted name; `runtime` is False below `if TYPE_CHECKING`."""

    name: str
    line: int
    runtime: bool


@dataclass(frozen=True)
class Module:
    path: str
    name: str
    tree: ast.Module
    text: str

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.name.split("."))

    def imports(self) -> Iterator[Import]:
        hidden = {
            id(inner)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            for statement in node.body
            for inner in ast.walk(statement)
        }
        for node in ast.walk(self.tree):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                names = [f"{base}.{alias.name}" for alias in node.names]
            for name in names:
                yield Import(name, node.lineno, id(node) not in hidden)  # type: ignore[attr-defined]


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            relative = path.relative_to(PROJECT)
            name = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
            text = path.read_text(encoding="utf-8")
            found.append(Module(relative.as_posix(), name, ast.parse(text), text))
    return tuple(found)


@cache
def templates() -> tuple[tuple[str, str], ...]:
    """(path, text) of every Django template. Templates of generated packages are not among them."""
    return tuple(
        (path.relative_to(PROJECT).as_posix(), path.read_text(encoding="utf-8"))
        for folder in TEMPLATE_FOLDERS
        for path in sorted((PROJECT / folder).rglob("*.html"))
        if "templates" in path.parts
    )


@cache
def tracked_text() -> tuple[tuple[str, str], ...]:
    """(path, text) of every text file that version control knows, or is about to."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        check=False,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name]
    if listed.returncode or not names:  # an unpacked archive has no version control
        names = [str(p.relative_to(PROJECT)) for p in _walk(PROJECT)]
    found = []
    for name in sorted(names):
        try:
            found.append((name, (PROJECT / name).read_text(encoding="utf-8")))
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    return tuple(found)


def _walk(folder: Path) -> Iterator[Path]:
    left_out = {".git", ".venv", "node_modules", "var", "dist", "__pycache__", "artifacts"}
    for path in folder.iterdir():
        if path.name in left_out:
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path
