from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from studio import assets
from tests.servers.environment import PROJECT

BUDGET_BYTES = 60_000
CANVAS_BUDGET_BYTES = 190_000
"""Script and style of the canvas, loaded by its own pages only."""
NEVER_ASKED = (
    "https://www.w3.org/",
    "https://react.dev/errors/",
    "https://reactflow.dev",
    "https://${t}flow.dev/error",
)
"""Names of namespaces, and addresses in the messages of errors."""
"""What a page may ship of our own, compressed. The limit of the product is 120 kB."""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own whose build writes one file; its packages count as installed."""
    (tmp_path / "static" / "js").mkdir(parents=True)
    (tmp_path / "static" / "dist").mkdir()
    (tmp_path / "static" / "build.mjs").write_text(
        "import { appendFileSync } from 'node:fs'; appendFileSync('static/dist/runs', 'x');"
    )
    (tmp_path / "node_modules").mkdir()
    monkeypatch.setattr(assets, "ROOT", tmp_path)
    monkeypatch.setattr(assets, "DIST", tmp_path / "static" / "dist")
    monkeypatch.setattr(assets, "LOG", tmp_path / "var" / "front-end.log")
    (tmp_path / "node_modules" / ".stamp").write_text(assets._digest(assets.LOCKED))
    return tmp_path


def runs(tree: Path) -> int:
    path = tree / "static" / "dist" / "runs"
    return len(path.read_text()) if path.exists() else 0


def test_builds_only_when_sources_changed(tree: Path) -> None:
    assert assets.build()
    assert not assets.build()
    assert runs(tree) == 1

    (tree / "static" / "js" / "new.js").write_text("export {}")

    assert assets.build()
    assert runs(tree) == 2


def test_failure_is_one_line_and_builds_again_next_time(tree: Path) -> None:
    (tree / "static" / "build.mjs").write_text("throw new Error('no such theme');")

    for _ in range(2):
        with pytest.raises(assets.AssetsFailed) as raised:
            assets.build()
        assert "\n" not in str(raised.value)
        assert "no such theme" in str(raised.value)


def test_command_prints_the_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "studio.assets"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_a_page_ships_less_than_the_budget() -> None:
    assets.build()
    dist = PROJECT / "static" / "dist"

    shipped = sum(
        len(gzip.compress((dist / name).read_bytes())) for name in ("app.css", "theme.js", "ui.js")
    )

    assert shipped < BUDGET_BYTES


def test_the_canvas_ships_less_than_its_own_budget() -> None:
    assets.build()
    dist = PROJECT / "static" / "dist"

    shipped = sum(
        len(gzip.compress((dist / name).read_bytes())) for name in ("canvas.js", "canvas.css")
    )

    assert shipped < CANVAS_BUDGET_BYTES


def test_nothing_built_needs_more_than_the_policy_allows() -> None:
    assets.build()

    for path in (PROJECT / "static" / "dist").glob("*.js"):
        text = path.read_text(encoding="utf-8")
        for address in NEVER_ASKED:
            text = text.replace(address, "")
        assert "https://" not in text, path
