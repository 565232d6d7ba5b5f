"""The canvas's pure JavaScript, tested by node's own runner."""

from __future__ import annotations

import subprocess

from studio.assets import _node
from tests.servers.environment import PROJECT


def test_the_model_of_the_canvas() -> None:
    command = [_node()[0], "--test", "--test-reporter=spec", "tests/static/js/*.test.js"]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "fail 0" in ended.stdout, ended.stdout
    assert "tests 0" not in ended.stdout, ended.stdout
