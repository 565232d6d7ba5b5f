"""The text of a file that came with a question, read by the same reader process as documents are."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from apps.knowledge.domain.limits import EXTRACT_ADDRESS_SPACE
from apps.knowledge.domain.refusals import ReadingCrashed, ReadingTimedOut
from apps.runtime.errors import UserFault
from apps.runtime.media import Media

READER = "apps.knowledge.domain.reader"
ROOT = Path(__file__).resolve().parents[3]
TEXT_CHARS = 2_000_000
"""About 700 pages; more belongs into a collection."""
PIECE_CHARS = 8_000
CPU_S, WHOLE_S = 60, 90
LINE_BYTES = 16 * 1024 * 1024
ENVIRONMENT = {"LANG": "C.UTF-8"}
"""The reader opens what strangers wrote, so it gets no key and no password."""


class FileRefused(UserFault):
    """What the reader said of the file, with its own code."""

    sentence = "{name}: {message}"

    def __init__(self, code: str, name: str, message: str) -> None:
        super().__init__(name=name, message=message)
        self.code = code  # type: ignore[misc]


class TextTooLong(UserFault):
    code = "media.text-too-long"
    sentence = "{name} has more than {limit:,} characters. Put it into a collection and ask there."


async def read_attached(media: Media) -> str:
    """The file's text. Raises a StudioError that names the file."""
    with tempfile.NamedTemporaryFile(prefix="attached-") as copy:
        await asyncio.to_thread(_write, copy, media.data)
        request = {
            "id": "attached",
            "path": copy.name,
            "name": media.name or "document.txt",
            "size": PIECE_CHARS,
            "overlap": 0,
            "skip": 0,
            "cpu_s": CPU_S,
        }
        reader = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            READER,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
            env=ENVIRONMENT,
            limit=LINE_BYTES,
        )
        try:
            async with asyncio.timeout(WHOLE_S):
                return await _text(reader, request, media.name or "The document")
        except TimeoutError as error:
            raise ReadingTimedOut(limit_s=WHOLE_S) from error
        finally:
            with suppress(ProcessLookupError):
                reader.kill()
            await reader.wait()


def _write(copy: Any, data: bytes) -> None:
    copy.write(data)
    copy.flush()


async def _text(reader: asyncio.subprocess.Process, request: dict[str, Any], name: str) -> str:
    assert reader.stdin is not None and reader.stdout is not None  # noqa: S101 - PIPE was asked for
    limits = {"limits": {"address_space": EXTRACT_ADDRESS_SPACE}}
    reader.stdin.write(orjson.dumps(limits) + b"\n" + orjson.dumps(request) + b"\n")
    reader.stdin.close()
    pieces: list[str] = []
    end, size = 0, 0
    async for line in reader.stdout:
        event = orjson.loads(line)
        if event["type"] == "chunks":
            for _, text, start, stop, _, _ in event["items"]:
                if pieces:
                    pieces.append("\n\n" if start - end > 1 else "\n" if start > end else "")
                pieces.append(text)
                end, size = stop, size + len(text)
            if size > TEXT_CHARS:
                raise TextTooLong(name=name, limit=TEXT_CHARS)
        elif event["type"] == "done":
            return "".join(pieces)
        elif event["type"] in ("refused", "failed"):
            raise FileRefused(event["code"], name, event["message"])
    raise ReadingCrashed(reason="the reader ended")
