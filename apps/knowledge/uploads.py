"""Receives uploads on disk, file by file, within bounds: the answer can then name each file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler

from apps.knowledge.domain.limits import FILE_BYTES


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Writes at most FILE_BYTES of a file; goes on with the next one when the disk is full.

    The file it gives out has `true_size`, which may be more than was kept, and `fault`, the
    OSError that ended its writing.
    """

    file: TemporaryUploadedFile | None  # type: ignore[assignment]

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        self.fault: OSError | None = None
        self.received = 0
        self.file = None
        try:
            if folder := settings.FILE_UPLOAD_TEMP_DIR:
                Path(folder).mkdir(parents=True, exist_ok=True)
            super().new_file(*args, **kwargs)
        except OSError as error:
            self.fault = error

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.fault or self.file is None or self.received > FILE_BYTES:
            return
        try:
            self.file.write(raw_data)
        except OSError as error:
            self.fault = error
            self._forget()

    def file_complete(self, file_size: int) -> Any:
        if self.file is None:
            return _Unstored(self.file_name, self.received, self.fault)
        try:
            self.file.flush()
        except OSError as error:
            self.fault = error
        if self.received > FILE_BYTES or self.fault:
            self._forget()
        else:
            self.file.seek(0)
        self.file.size = file_size
        self.file.true_size = self.received  # type: ignore[attr-defined]
        self.file.fault = self.fault  # type: ignore[attr-defined]
        return self.file

    def _forget(self) -> None:
        """Give the room back at once: the other files of the request may need it."""
        if self.file is not None and self.file.file is not None:
            try:
                self.file.file.truncate(0)
            except OSError as error:
                self.fault = self.fault or error


class _Unstored:
    """An upload for which not even a temporary file could be made."""

    content_type = ""

    def __init__(self, name: str | None, size: int, fault: OSError | None) -> None:
        self.name, self.size, self.true_size, self.fault = name or "file", size, size, fault

    def close(self) -> None:
        pass
