"""Uploaded files on their way into storage: checked, hashed, moved; nothing is left behind on failure."""

from __future__ import annotations

import errno
import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from apps.knowledge.domain.limits import FILE_BYTES, MIB
from apps.knowledge.domain.media import inspect
from apps.knowledge.domain.refusals import TooLarge
from apps.knowledge.errors import DiskFull, UploadInterrupted
from apps.knowledge.models import Document, upload_path
from apps.runtime.errors import StudioError

NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of an upload before it is stored. refusal: why it is not taken, if so."""

    media_type: str
    size_bytes: int
    sha256: str
    refusal: StudioError | None = None


def check(upload: File[Any], name: str) -> Checked:
    """Judge an upload by its content. A refusal is returned, not raised: the others go on."""
    size = int(getattr(upload, "true_size", None) or upload.size or 0)
    fault = getattr(upload, "fault", None)
    try:
        if fault is not None:
            raise storage_fault(fault)
        if size > FILE_BYTES:
            raise TooLarge(size_mb=-(-size // MIB), limit_mb=FILE_BYTES // MIB)
        with _on_disk(upload) as path:
            media_type = inspect(path, name)
            return Checked(media_type, size, _digest(path))
    except StudioError as refusal:
        return Checked("", size, "", refusal)
    except OSError as error:
        return Checked("", size, "", storage_fault(error))


def store(document: Document, upload: File[Any]) -> None:
    """Move the upload to the document's place. Raises DiskFull or UploadInterrupted, leaving nothing."""
    target = upload_path(document, "")
    try:
        upload.seek(0)
        document.file.name = default_storage.save(target, upload)
    except OSError as error:
        with suppress(OSError):
            default_storage.delete(target)
        raise storage_fault(error) from error


def storage_fault(error: OSError) -> StudioError:
    if error.errno in NO_SPACE:
        return DiskFull()
    return UploadInterrupted(reason=error.strerror or str(error))


def discard(names: Iterable[str | None]) -> None:
    """Delete stored files that no document refers to any more."""
    wanted = {name for name in names if name}
    kept = set(Document.objects.filter(file__in=wanted).values_list("file", flat=True))
    for name in wanted - kept:
        with suppress(OSError):
            default_storage.delete(name)


def discard_now(names: Iterable[str | None]) -> None:
    """Delete stored files whose rows were never saved."""
    for name in names:
        if name:
            with suppress(OSError):
                default_storage.delete(name)


def local_path(document: Document, folder: Path) -> Path:
    """The stored file as a path; storage that is not on this machine is copied into folder first."""
    try:
        return Path(document.file.path)
    except NotImplementedError:
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / str(document.pk)
        with document.file.open("rb") as source, target.open("wb") as copy:
            for piece in source.chunks(MIB):
                copy.write(piece)
        return target


@contextmanager
def _on_disk(upload: File[Any]) -> Iterator[Path]:
    if hasattr(upload, "temporary_file_path"):
        upload.flush()
        yield Path(upload.temporary_file_path())
        return
    name = getattr(getattr(upload, "file", None), "name", None)
    if isinstance(name, str) and Path(name).is_file():
        yield Path(name)
        return
    with tempfile.NamedTemporaryFile(dir=_temporary_folder()) as copy:
        upload.seek(0)
        for piece in upload.chunks():
            copy.write(piece)
        copy.flush()
        yield Path(copy.name)


def _temporary_folder() -> str | None:
    """Beside the storage where that is set: a move there is a rename, not a second copy."""
    folder = settings.FILE_UPLOAD_TEMP_DIR
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
    return str(folder) if folder else None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
