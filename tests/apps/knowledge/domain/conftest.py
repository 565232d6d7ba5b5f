from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from apps.knowledge.domain.extraction import extract
from apps.knowledge.domain.parts import Meter
from apps.runtime.chunking import Block

Read = Callable[..., list[Block]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """`read("a.csv", b"…")`: the blocks of a file of this name and content."""

    def work(name: str, content: bytes, meter: Meter | None = None) -> list[Block]:
        path = tmp_path / "file"
        path.write_bytes(content)
        return list(extract(path, name, meter or Meter()))

    return work
