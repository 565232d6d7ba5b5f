"""Zip containers (DOCX, PPTX, XLSX), judged before a single member is opened."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

from apps.knowledge.domain.limits import (
    ARCHIVE_BYTES,
    ARCHIVE_MEMBERS,
    ARCHIVE_RATIO,
    ARCHIVE_RATIO_FROM,
    MIB,
    PART_BYTES,
)
from apps.knowledge.domain.refusals import ArchiveBomb, Broken, Encrypted

_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError)
"""What reading a member of a damaged archive raises."""


def open_archive(path: Path, kind: str = "Office file") -> zipfile.ZipFile:
    """The opened archive. Raises ArchiveBomb, Encrypted or Broken."""
    count = _member_count(path)
    if count > ARCHIVE_MEMBERS:
        raise ArchiveBomb(kind=kind, reason=f"{count:,} parts (at most {ARCHIVE_MEMBERS:,})")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Broken(kind=kind, reason=_plain(error)) from error
    try:
        _judge(archive, kind)
    except BaseException:
        archive.close()
        raise
    return archive


def read_part(archive: zipfile.ZipFile, name: str, kind: str = "Office file") -> bytes:
    """One member as a whole. Raises ArchiveBomb above PART_BYTES, Broken if it cannot be read."""
    try:
        info = archive.getinfo(name)
    except KeyError as error:
        raise Broken(kind=kind, reason=f"its part {name} is missing") from error
    if info.file_size > PART_BYTES:
        raise ArchiveBomb(kind=kind, reason=f"part {name} is {info.file_size // MIB:,} MB")
    try:
        return archive.read(info)
    except UNREADABLE as error:
        raise Broken(kind=kind, reason=_plain(error)) from error


def _judge(archive: zipfile.ZipFile, kind: str) -> None:
    members = archive.infolist()
    if any(member.flag_bits & 0x1 for member in members):
        raise Encrypted(kind=kind)
    if any(member.compress_type not in _METHODS for member in members):
        raise Broken(kind=kind, reason="it uses a packing method that Office files do not have")
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > ARCHIVE_BYTES:
        raise ArchiveBomb(
            kind=kind, reason=f"{unpacked // MIB:,} MB (at most {ARCHIVE_BYTES // MIB:,} MB)"
        )
    if unpacked > ARCHIVE_RATIO_FROM and unpacked > packed * ARCHIVE_RATIO:
        raise ArchiveBomb(kind=kind, reason=f"{unpacked // max(packed, 1):,} times its own size")
    size = Path(str(archive.filename)).stat().st_size
    if packed > size:
        raise ArchiveBomb(kind=kind, reason="its parts overlap")


def _member_count(path: Path) -> int:
    """The number of members as the end record says, read without building a list of them.

    zipfile would first make an object for each entry of the directory; a 100 MB file can hold two
    million. Returns 0 if there is no end record; zipfile then says what is wrong.
    """
    with path.open("rb") as file:
        file.seek(0, 2)
        size = file.tell()
        file.seek(max(0, size - 66_000))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        return 0
    count, directory_bytes = struct.unpack(
        "<H I", tail[at + 10 : at + 12] + tail[at + 12 : at + 16]
    )
    at_64 = tail.rfind(_END_64)
    if at_64 >= 0 and len(tail) >= at_64 + 48:
        count, directory_bytes = struct.unpack("<QQ", tail[at_64 + 32 : at_64 + 48])
    # The count may lie; a directory entry takes at least 46 bytes plus a name.
    return max(int(count), int(directory_bytes) // 512)


def _plain(error: BaseException) -> str:
    return (str(error) or type(error).__name__).rstrip(".")[:160]
