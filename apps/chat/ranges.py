"""Parts of a file: players ask for them to jump, and some play nothing from a server that has none."""

from __future__ import annotations

import re

from django.core.files import File
from django.http import HttpResponse

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def span_of(header: str, size_bytes: int) -> tuple[int, int] | None:
    """First and last byte of a `Range` header, both included. None: send it whole, as RFC 9110 allows
    for what is no single range of bytes or lies outside of the file."""
    match = RANGE.fullmatch(header.strip())
    if not match or not (match[1] or match[2]):
        return None
    if not match[1]:
        first, last = max(0, size_bytes - int(match[2])), size_bytes - 1
    else:
        first = int(match[1])
        last = min(int(match[2]), size_bytes - 1) if match[2] else size_bytes - 1
    return (first, last) if first <= last < size_bytes else None


def part(
    file: File[bytes], span: tuple[int, int], size_bytes: int, content_type: str
) -> HttpResponse:
    first, last = span
    with file:
        file.seek(first)
        data = file.read(last - first + 1)
    response = HttpResponse(data, status=206, content_type=content_type)
    response["Content-Range"] = f"bytes {first}-{last}/{size_bytes}"
    return response
