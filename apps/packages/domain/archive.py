"""One zip, the same bytes for the same files: sorted entries, fixed times, modes and compression."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from apps.packages.domain.tree import Entry
from apps.packages.errors import NotWritable, OutOfSpace

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold."""
UNIX = 3
REGULAR_FILE = 0o100000
LEVEL = 6
STORED = {
    ".npy",
    ".pdf",
    ".docx",
    ".pptx",
    ".xlsx",
    ".zip",
    ".gz",
    ".png",
    ".jpg",
    ".jpeg",
    ".woff2",
}
"""Files that do not shrink: packed as they are, which is quicker."""


def write_archive(
    entries: Sequence[Entry],
    folder: str,
    out: Path,
    *,
    progress: Callable[[int], None] = lambda done: None,
    accept: Callable[[Path], bool] = lambda part: True,
) -> tuple[str, int] | None:
    """Pack the entries below `folder` into `out` and return its SHA-256 and size in bytes.

    Written beside `out` under another name and renamed when whole, so that `out` is either the old
    file or the new one. progress is told the bytes packed so far. accept looks at the whole archive
    before it takes its name; if it says no, nothing is left behind and None is returned.
    Raises OutOfSpace or NotWritable; nothing is left behind then.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent)
    except OSError as error:
        raise _failure(error, out) from error
    part = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
                done = 0
                for entry in sorted(entries, key=lambda entry: entry.path):
                    done = _pack(archive, entry, folder, done, progress)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        if not accept(part):
            return None
        digest = _sha256(part)
        part.chmod(0o644)
        part.replace(out)
    except OSError as error:
        raise _failure(error, out) from error
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return digest, size


def _pack(
    archive: zipfile.ZipFile, entry: Entry, folder: str, done: int, progress: Callable[[int], None]
) -> int:
    info = zipfile.ZipInfo(f"{folder}/{entry.path}", EPOCH)
    info.create_system = UNIX
    info.external_attr = (REGULAR_FILE | entry.mode) << 16
    stored = Path(entry.path).suffix.lower() in STORED
    info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    info.file_size = entry.size_bytes
    with archive.open(info, "w") as packed:
        for block in entry.blocks():
            packed.write(block)
            done += len(block)
            progress(done)
    return done


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _failure(error: OSError, out: Path) -> OutOfSpace | NotWritable:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return OutOfSpace(path=out)
    return NotWritable(path=out, reason=error.strerror or str(error))
