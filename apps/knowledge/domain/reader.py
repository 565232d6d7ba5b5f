"""The reader process: `python -m apps.knowledge.domain.reader`. One JSON request per line in, JSON lines out.

It opens what strangers wrote, so it holds nothing worth taking, writes no file, and lives under
limits: what a document makes of it ends this process and no other.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from apps.knowledge.domain.extraction import extract
from apps.knowledge.domain.limits import EXTRACT_ADDRESS_SPACE, cpu_limit_s
from apps.knowledge.domain.orphans import end_with_parent
from apps.knowledge.domain.parts import Meter
from apps.knowledge.domain.refusals import Broken, ReadingCrashed
from apps.runtime.chunking import Block, chunk_blocks
from apps.runtime.errors import StudioError

GROUP = 32
"""Chunks per line: enough that lines cost nothing, few enough that memory stays flat."""
OPEN_FILES = 64


def main() -> None:
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    end_with_parent()
    for line in sys.stdin.buffer:
        request = orjson.loads(line)
        if "limits" in request:
            _limit(
                resource.RLIMIT_AS, request["limits"].get("address_space", EXTRACT_ADDRESS_SPACE)
            )
            continue
        _serve(request)


def _serve(request: dict[str, Any]) -> None:
    path = Path(request["path"])
    meter = Meter()
    _tell(type="started", id=request["id"])
    try:
        _limit_cpu(request.get("cpu_s") or cpu_limit_s(path.stat().st_size))
        _read(request, path, meter)
    except StudioError as error:
        _tell(type="refused", id=request["id"], code=error.code, message=str(error))
    except MemoryError:
        # The heap may be in pieces: say so and leave, the engine starts another reader.
        reason = ReadingCrashed(reason="not enough memory")
        _tell(type="failed", id=request["id"], code=reason.code, message=str(reason))
        sys.exit(1)
    except OSError as error:
        _tell(
            type="failed",
            id=request["id"],
            code="knowledge.file-unreadable",
            message=f"The stored file cannot be read: {error.strerror or error}. Upload it again.",
        )
    except Exception as error:  # noqa: BLE001 - a parser's surprise about one file must not end the others
        refusal = Broken(kind="file", reason=f"{type(error).__name__}: {error}"[:160])
        _tell(type="refused", id=request["id"], code=refusal.code, message=str(refusal))


def _read(request: dict[str, Any], path: Path, meter: Meter) -> None:
    """Send the chunks from ordinal `skip` on; those before are stored already."""
    counted = _Counted()
    group: list[tuple[Any, ...]] = []
    count = 0
    source = counted.over(extract(path, request["name"], meter))
    for chunk in chunk_blocks(source, request["size"], request["overlap"]):
        count += 1
        if chunk.ordinal < request["skip"]:
            continue
        group.append((chunk.ordinal, chunk.text, chunk.start, chunk.end, chunk.page, chunk.heading))
        if len(group) >= GROUP:
            _tell(type="chunks", id=request["id"], items=group, share=round(meter.share, 4))
            group = []
    if group:
        _tell(type="chunks", id=request["id"], items=group, share=round(meter.share, 4))
    _tell(
        type="done",
        id=request["id"],
        chunks=count,
        chars=counted.chars,
        pages=meter.pages,
        notes=meter.notes,
    )


class _Counted:
    chars = 0

    def over(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            self.chars = block.start + len(block.text)
            yield block


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, hard))


def _limit_cpu(seconds: int) -> None:
    """Computing time from now on; the kernel ends the process with SIGXCPU when it is used up."""
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _limit(resource.RLIMIT_CPU, int(used) + 1 + seconds)


def _tell(**event: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
