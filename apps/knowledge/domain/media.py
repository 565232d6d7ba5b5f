"""What a file is, told from its content. The name only decides between kinds of text."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

from apps.knowledge.domain.archives import open_archive
from apps.knowledge.domain.charsets import Charset, detect
from apps.knowledge.domain.limits import FILE_BYTES, MIB
from apps.knowledge.domain.names import suffix_of
from apps.knowledge.domain.refusals import (
    Broken,
    EmptyFile,
    Encrypted,
    TooLarge,
    UnsupportedType,
    WrongType,
)

HEAD_BYTES = 8192


class MediaType(StrEnum):
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    HTML = "text/html"
    MARKDOWN = "text/markdown"
    CSV = "text/csv"
    TSV = "text/tab-separated-values"
    TEXT = "text/plain"


LABELS = {
    MediaType.PDF: "PDF",
    MediaType.DOCX: "Word document",
    MediaType.PPTX: "presentation",
    MediaType.XLSX: "workbook",
    MediaType.HTML: "web page",
    MediaType.MARKDOWN: "Markdown file",
    MediaType.CSV: "CSV table",
    MediaType.TSV: "TSV table",
    MediaType.TEXT: "text file",
}
_BINARY_SUFFIXES = {
    ".pdf": MediaType.PDF,
    ".docx": MediaType.DOCX,
    ".docm": MediaType.DOCX,
    ".dotx": MediaType.DOCX,
    ".pptx": MediaType.PPTX,
    ".pptm": MediaType.PPTX,
    ".ppsx": MediaType.PPTX,
    ".potx": MediaType.PPTX,
    ".xlsx": MediaType.XLSX,
    ".xlsm": MediaType.XLSX,
    ".xltx": MediaType.XLSX,
}
_TEXT_SUFFIXES = {
    ".html": MediaType.HTML,
    ".htm": MediaType.HTML,
    ".xhtml": MediaType.HTML,
    ".md": MediaType.MARKDOWN,
    ".markdown": MediaType.MARKDOWN,
    ".mdx": MediaType.MARKDOWN,
    ".csv": MediaType.CSV,
    ".tsv": MediaType.TSV,
}
ACCEPTED_SUFFIXES = (*_BINARY_SUFFIXES, *_TEXT_SUFFIXES, ".txt", ".text", ".log", ".rst")
"""What the file picker offers first; any text file is taken whatever its ending."""
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"BM", "a bitmap image"),
    (b"\x7fELF", "a program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"ID3", "an audio file"),
    (b"OggS", "an audio or video file"),
    (b"fLaC", "an audio file"),
    (b"RIFF", "an audio, video or image file"),
    (b"\x1aE\xdf\xa3", "a video file"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "a PostScript file"),
    (b"\x00\x01\x00\x00", "a font"),
    (b"wOF", "a font"),
)
_ADVICE = {"an RTF document": "Save it as DOCX and upload that."}
_SHORT_MAGIC_NEEDS_BINARY = {b"BM", b"BZh", b"ID3", b"RIFF", b"PAR1", b"GIF8", b"wOF", b"OggS"}
_HTML_START = re.compile(
    rb"^(?:\s|<!--.*?-->|<\?xml[^>]*>)*<(?:!doctype\s+html|html|head|body)[\s>]", re.I | re.S
)
_SVG_START = re.compile(
    rb"^(?:\s|<!--.*?-->|<\?xml[^>]*>|<!doctype\s+svg[^>]*>)*<(?:\w+:)?svg[\s>]", re.I | re.S
)


def inspect(path: Path, name: str) -> MediaType:
    """The file's type. Reads the head, for archives the directory, for text all of it, in pieces.

    Raises a Refusal that says what the file is when it is not one of ours. Safe in any process:
    nothing is unpacked or parsed.
    """
    size = path.stat().st_size
    if size == 0:
        raise EmptyFile
    if size > FILE_BYTES:
        raise TooLarge(size_mb=-(-size // MIB), limit_mb=FILE_BYTES // MIB)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    found = _binary(path, head) or _text(path, head, name)
    suffix = suffix_of(name)
    wanted = _BINARY_SUFFIXES.get(suffix)
    if wanted and wanted is not found:
        raise WrongType(suffix=suffix, found=f"a {LABELS[found]}")
    return found


def text_charset(path: Path) -> Charset:
    """How to decode a text file. Raises UnsupportedType if it is not text."""
    charset = detect(path)
    if charset is None:
        raise UnsupportedType(found="a binary file")
    return charset


def _binary(path: Path, head: bytes) -> MediaType | None:
    if b"%PDF-" in head[:1024]:
        return MediaType.PDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _archive(path)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise _compound_file(path)
    if head[4:8] == b"ftyp":
        raise UnsupportedType(found="a video file")
    looks_binary = b"\x00" in head
    for magic, found in _MAGIC:
        if head.startswith(magic) and (looks_binary or magic not in _SHORT_MAGIC_NEEDS_BINARY):
            raise UnsupportedType(found=found, advice=_ADVICE.get(found, ""))
    if head.startswith(b"MZ") and looks_binary:
        raise UnsupportedType(found="a program")
    return None


def _archive(path: Path) -> MediaType:
    with open_archive(path) as archive:
        names = set(archive.namelist())
    for part, media_type in (
        ("word/document.xml", MediaType.DOCX),
        ("ppt/presentation.xml", MediaType.PPTX),
        ("xl/workbook.xml", MediaType.XLSX),
    ):
        if part in names:
            return media_type
    if "xl/workbook.bin" in names:
        raise UnsupportedType(
            found="a binary workbook (XLSB)", advice="Save it as XLSX and upload that."
        )
    if "[Content_Types].xml" in names:
        raise Broken(kind="Office file", reason="its main part is missing")
    if "mimetype" in names and "content.xml" in names:
        raise UnsupportedType(
            found="an OpenDocument file", advice="Save it as DOCX, XLSX or PPTX and upload that."
        )
    if "META-INF/container.xml" in names:
        raise UnsupportedType(found="an EPUB book")
    raise UnsupportedType(
        found="a zip archive", advice="Unpack it and upload the folder that comes out."
    )


def _compound_file(path: Path) -> Encrypted | UnsupportedType:
    """OLE2 holds old Office files and, with a stream of this name, encrypted new ones."""
    marker = "EncryptedPackage".encode("utf-16-le")
    carry = b""
    with path.open("rb") as file:
        while piece := file.read(MIB):
            if marker in carry + piece:
                return Encrypted(kind="Office file")
            carry = piece[-len(marker) :]
    return UnsupportedType(
        found="an Office file of the old kind (DOC, XLS, PPT or MSG)",
        advice="Save it as DOCX, XLSX or PPTX and upload that.",
    )


def _text(path: Path, head: bytes, name: str) -> MediaType:
    charset = text_charset(path)
    start = head.decode(charset.name, "ignore").encode("utf-8", "ignore")
    if _SVG_START.match(start):
        raise UnsupportedType(found="an SVG image")
    if _HTML_START.match(start):
        return MediaType.HTML
    return _TEXT_SUFFIXES.get(suffix_of(name), MediaType.TEXT)
