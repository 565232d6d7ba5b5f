"""Index uploaded files: claim documents, run the engine, record what it tells. Keep stores alike."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import DatabaseError

from apps.jobs.services import Claim, JobCancelled, run_claimed
from apps.knowledge import copies, indexing
from apps.knowledge.embedders import embedding_plan
from apps.knowledge.errors import DiskFull, EngineStalled
from apps.knowledge.models import Collection, StoreCopy
from apps.knowledge.storage import NO_SPACE, local_path
from apps.runtime.errors import StudioError
from apps.ui.faults import database_full
from worker.engine_process import engine_events

ENGINE = "worker.engines.ingest"
ROUND = 500
"""Documents handed to one engine run; uploads that come meanwhile are in the next."""
STALL_S = 900.0
"""Longest silence of the engine: loading a model and one window of a slow server take far less."""

Event = dict[str, Any]


@shared_task(name="knowledge.ingest", ignore_result=True)  # type: ignore[untyped-decorator]
def ingest(*, job_id: str) -> None:
    run_claimed(job_id, _ingest)


@shared_task(name="knowledge.follow", ignore_result=True)  # type: ignore[untyped-decorator]
def follow(*, job_id: str) -> None:
    run_claimed(job_id, _follow)


def _follow(claim: Claim) -> None:
    """Send a collection's vectors to a store, or remove them with it."""
    copy = StoreCopy.objects.filter(pk=claim.job.target_id).first()
    if copy is None:
        return

    def progress(done: int, total: int) -> None:
        claim.progress(done, total, f"{done:,} of {total:,} vectors")

    copies.bring_up_to_date(copy, progress=progress, check=claim.check)


def _ingest(claim: Claim) -> None:
    collection = Collection.objects.filter(pk=claim.job.target_id).first()
    if collection is None:
        raise JobCancelled
    try:
        if claim.job.attempt > 1:
            indexing.take_back(claim.job)
        while True:
            _round(claim, collection)
            if indexing.release(collection, claim.job):
                break
    except JobCancelled:
        indexing.cancel_claimed(claim.job)
        raise
    except StudioError as error:
        indexing.fail_claimed(claim.job, error.code, str(error))
        raise
    except (DatabaseError, OSError) as error:
        if not _is_full(error):
            raise
        full = DiskFull()
        indexing.fail_claimed(claim.job, full.code, str(full))
        raise full from error


def _round(claim: Claim, collection: Collection) -> None:
    """Index what waits now. Ends when the engine has dealt with every document it was given."""
    claim.check()
    collection.refresh_from_db()
    claimed = indexing.claim_documents(collection, claim.job, ROUND)
    if not claimed:
        return
    progress = Progress(claim, collection, claimed)
    folder = Path(settings.DATA_DIR) / "work" / str(claim.job.pk)
    watch = _Watch(claim)
    try:
        plan = _plan(collection, claimed, folder)
        for batch in _bursts(engine_events(ENGINE, plan, stop=watch)):
            watch.heard()
            closed = indexing.record(claim.job, collection, batch)
            if closed is None:
                raise JobCancelled
            progress.after(batch, closed)
        watch.check()
        progress.finish()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bursts(events: Iterator[Event]) -> Iterator[list[Event]]:
    burst: list[Event] = []
    for event in events:
        if event["type"] == "flushed":
            yield burst
            burst = []
        else:
            burst.append(event)
    if burst:
        yield burst


class _Watch:
    """Tells the engine to end when the job should stop or nothing has been heard for STALL_S."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._heard = time.monotonic()

    def __call__(self) -> bool:
        return self._claim.stop_requested or self._stalled()

    def heard(self) -> None:
        self._heard = time.monotonic()

    def check(self) -> None:
        self._claim.check()
        if self._stalled():
            raise EngineStalled(minutes=round(STALL_S / 60))

    def _stalled(self) -> bool:
        return time.monotonic() - self._heard > STALL_S


class Progress:
    """Bytes done, a file that is half read counted by half, and a line in words."""

    def __init__(
        self, claim: Claim, collection: Collection, claimed: list[indexing.Claimed]
    ) -> None:
        self._claim, self._collection = claim, collection
        self._documents = {str(item.document.pk): item.document for item in claimed}
        self._count()
        self._say()

    def after(self, batch: list[Event], closed: int) -> None:
        shares = {event["id"]: event["share"] for event in batch if event["type"] == "progress"}
        if closed:
            self._count()
        elif not shares:
            return
        self._say(next(reversed(shares.items())) if shares else None)

    def finish(self) -> None:
        self._count()
        self._say()

    def _count(self) -> None:
        self._tally = indexing.tally(self._collection, self._claim.job)

    def _say(self, at: tuple[str, float] | None = None) -> None:
        tally = self._tally
        done, reading = tally.closed_bytes, ""
        if at and (document := self._documents.get(at[0])):
            done += round(document.size_bytes * at[1])
            reading = f" · {document.name}"
        self._claim.progress(
            min(done, tally.every_bytes),
            tally.every_bytes,
            f"{tally.closed:,} of {tally.every:,} files{reading}",
        )


def _is_full(error: Exception) -> bool:
    if isinstance(error, DatabaseError):
        return database_full(error)
    return isinstance(error, OSError) and error.errno in NO_SPACE


def _plan(collection: Collection, claimed: list[indexing.Claimed], folder: Path) -> Event:
    return {
        "documents": [
            {
                "id": str(item.document.pk),
                "path": str(local_path(item.document, folder)),
                "name": item.document.name,
                "skip": item.skip,
            }
            for item in claimed
        ],
        "chunk": {"size": collection.chunk_size, "overlap": collection.chunk_overlap},
        "embedding": embedding_plan(collection),
    }
