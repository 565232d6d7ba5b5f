"""Files of this machine as uploads, opened only while they are read: there may be thousands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile


class LocalFile(UploadedFile):  # type: ignore[type-arg]
    """Has no `temporary_file_path`: storage would move the person's own file away."""

    def __init__(self, path: Path) -> None:
        super().__init__(file=None, name=path.name, size=path.stat().st_size)
        self.path = path

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while part := file.read(chunk_size or self.DEFAULT_CHUNK_SIZE):
                yield part

    def seek(self, offset: int, whence: int = 0) -> int:
        """Every reading begins at the beginning."""
        return 0
