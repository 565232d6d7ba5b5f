"""How much one file may ask of us. Chosen so that real 100 MB documents pass with room to spare."""

from __future__ import annotations

MIB = 1024 * 1024
READER_VERSION = 1
"""Part of a document's index key: raise it when readers or chunking change, and files are read again."""
FILE_BYTES = 100 * MIB
"""Largest upload, per file."""
ARCHIVE_MEMBERS = 10_000
"""Members of an Office file; a deck of 500 slides has about 4,000."""
ARCHIVE_BYTES = 1024 * MIB
"""Unpacked size of all members together."""
ARCHIVE_RATIO = 200
"""Unpacked to packed bytes, judged above ARCHIVE_RATIO_FROM; deflate can reach 1032, spreadsheets 60."""
ARCHIVE_RATIO_FROM = 20 * MIB
PART_BYTES = 64 * MIB
"""A single XML part that must be read as a whole (slides, styles, relations)."""
PDF_PAGES = 20_000
TABLE_CELL_CHARS = 100_000
"""A longer cell is a quote that was never closed."""
TABLE_COLUMNS = 16_384
BLOCK_CHARS = 32_768
"""Longest block handed on in one piece; what is longer is cut, so memory stays flat."""
HEADING_CHARS = 300
EXTRACT_CPU_S = 120
"""Computing time for one file, plus EXTRACT_CPU_S_PER_MIB for each MiB of it."""
EXTRACT_CPU_S_PER_MIB = 10
EXTRACT_ADDRESS_SPACE = 3 * 1024 * MIB
"""RLIMIT_AS of the reader process; a bomb that slips through ends that process and no other."""


def cpu_limit_s(size_bytes: int) -> int:
    """Computing time that reading a file of this size may take."""
    return EXTRACT_CPU_S + EXTRACT_CPU_S_PER_MIB * -(-size_bytes // MIB)
