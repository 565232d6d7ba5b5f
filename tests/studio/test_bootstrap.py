"""The set-up before anything is installed: one clear line where it cannot go on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.environment import PROJECT

AS_PYTHON = """
import runpy, sys
sys.version_info = {version!r}
sys.argv = ["bootstrap.py"]
runpy.run_path({path!r}, run_name="__main__")
"""


def _bootstrap(
    root: Path, version: tuple[int, ...] = (3, 12, 0)
) -> subprocess.CompletedProcess[str]:
    """Run a copy of bootstrap.py in `root/studio` as if this Python had that version."""
    (root / "studio").mkdir(exist_ok=True)
    path = root / "studio" / "bootstrap.py"
    path.write_bytes((PROJECT / "studio" / "bootstrap.py").read_bytes())
    code = AS_PYTHON.format(version=version, path=str(path))
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


def test_old_python_is_told_what_to_install(tmp_path: Path) -> None:
    result = _bootstrap(tmp_path, (3, 9, 2))

    assert result.returncode == 1
    assert result.stderr.startswith("Set-up stopped: Python 3.11 or newer is needed")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("newer", ["match ", "type ", ":=", "from __future__"])
def test_bootstrap_is_readable_by_any_python_3(newer: str) -> None:
    """An old Python must reach the sentence; what it cannot parse would be a traceback instead."""
    assert newer not in (PROJECT / "studio" / "bootstrap.py").read_text(encoding="utf-8")
