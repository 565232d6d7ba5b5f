"""The files of a package before they are packed: a path, where the bytes come from, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

BLOCK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """path     below the package's folder, with forward slashes
    source   the bytes, or a file that is read in blocks when it is needed
    reason   why it is in the package, in words
    """

    path: str
    source: bytes | Path
    reason: str
    executable: bool = False

    @property
    def size_bytes(self) -> int:
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    def blocks(self) -> Iterator[bytes]:
        if isinstance(self.source, bytes):
            yield self.source
            return
        with self.source.open("rb") as file:
            while block := file.read(BLOCK):
                yield block

    def read(self) -> bytes:
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()

    @cached_property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for block in self.blocks():
            digest.update(block)
        return digest.hexdigest()

    @property
    def mode(self) -> int:
        return 0o755 if self.executable else 0o644
