"""Whether a file is text, and in which character set."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes

from apps.knowledge.domain.limits import MIB

SAMPLE_BYTES = 256 * 1024
BAD_SHARE = 0.02
"""Share of control or undecodable characters above which a file is not text."""
SPARSE_SHARE = 0.15
_EUROPEAN = ("cp1252", "cp1250", "cp1254", "cp1257")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
_DECLARED = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w-]{2,40})""", re.I)


@dataclass(frozen=True, slots=True)
class Charset:
    name: str


def detect(path: Path) -> Charset | None:
    """The character set, or None where the content is not text.

    A byte order mark decides; then UTF-8, checked over the whole file; then UTF-16 without a
    mark, what an HTML page declares, and at last the likeliest of a sample.
    """
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return _judged(sample, name)
    if _is_utf8(path):
        return _judged(sample, "utf-8")
    for candidate in (_wide(sample), _declared(sample), _likely(sample), "cp1252"):
        if candidate and (charset := _judged(sample, candidate)):
            return charset
    return None


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while piece := file.read(MIB):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _judged(sample: bytes, name: str) -> Charset | None:
    try:
        text = codecs.getincrementaldecoder(name)("replace").decode(sample)
    except (LookupError, UnicodeError):
        return None
    bad = len(_CONTROL.findall(text))
    return Charset(name) if text and bad <= BAD_SHARE * len(text) else None


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a mark shows as a zero in every second byte of mostly Latin text."""
    even, odd = sample[0:4096:2].count(0), sample[1:4096:2].count(0)
    half = len(sample[:4096]) // 2
    if odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.1 * half:
        return "utf-16-be"
    return None


def _declared(sample: bytes) -> str | None:
    found = _DECLARED.search(sample[:4096])
    return found[1].decode("ascii") if found else None


def _likely(sample: bytes) -> str | None:
    """Sparse letters above ASCII are Western or Central European; only dense ones leave a choice."""
    if sample.count(0) > BAD_SHARE * len(sample):
        return None
    high = sum(byte > 127 for byte in sample)
    if high < SPARSE_SHARE * len(sample):
        if high < 50:
            return "cp1252"
        best = from_bytes(sample[: 64 * 1024], cp_isolation=list(_EUROPEAN)).best()
    else:
        best = from_bytes(sample[: 64 * 1024]).best()
    return best.encoding if best else None
