"""Start, claim, report on and end background work. Races are settled by conditional updates."""

from __future__ import annotations

import os
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psutil
import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from apps.jobs.dispatch import enqueue, process_stopping
from apps.jobs.enums import RETRYABLE, JobStatus
from apps.jobs.errors import JobNotRetryable
from apps.jobs.guards import refuse_forbidden
from apps.jobs.models import STALE_AFTER_S, Job
from apps.runtime.errors import StudioError

if TYPE_CHECKING:
    from apps.accounts.models import User

log = structlog.get_logger(__name__)

HEARTBEAT_S = 3.0
RESEND_AFTER_S = 600.0
"""A job that waits this long is sent to the broker again: a broker that restarts may forget it."""
LOG_LIMIT = 100_000
"""Characters of log kept per job; the oldest go first."""


class JobCancelled(Exception):
    """Raised inside a task by `Claim.check()` once its owner has asked it to stop."""


class JobInterrupted(Exception):
    """Raised inside a task by `Claim.check()` when its process is going down."""


@transaction.atomic
def start_job(*, kind: str, target_id: Any, title: str, owner: User, target_url: str = "") -> Job:
    """Create a queued job and hand it to the workers after commit. kind is the task's name."""
    job = Job.objects.create(
        kind=kind, target_id=str(target_id), title=title, owner=owner, target_url=target_url
    )
    enqueue(kind, job.pk)
    return job


@transaction.atomic
def retry_job(job: Job) -> Job:
    """Queue a job again. Raises JobNotRetryable unless it failed, was cancelled or interrupted,
    and what the guard of its kind raises if its person may not have it done any more."""
    refuse_forbidden(job)
    updated = Job.objects.filter(pk=job.pk, status__in=RETRYABLE).update(
        status=JobStatus.QUEUED,
        cancel_requested=False,
        error_code="",
        error_message="",
        message="",
        finished_at=None,
        heartbeat_at=None,
    )
    if not updated:
        raise JobNotRetryable(title=job.title, status=job.get_status_display().lower())
    enqueue(job.kind, job.pk)
    job.refresh_from_db()
    return job


def cancel_job(job: Job) -> None:
    """Ask a job to stop. A queued one ends at once; a running one at its next event."""
    now = timezone.now()
    ended = Job.objects.filter(pk=job.pk, status=JobStatus.QUEUED).update(
        status=JobStatus.CANCELLED, cancel_requested=True, finished_at=now
    )
    if not ended:
        Job.objects.filter(pk=job.pk, status=JobStatus.RUNNING).update(cancel_requested=True)


def mark_stale() -> int:
    """Mark running jobs whose heartbeat stopped as interrupted; returns how many."""
    limit = timezone.now() - timedelta(seconds=STALE_AFTER_S)
    return _interrupt(Job.objects.filter(heartbeat_at__lt=limit))


def mark_orphaned() -> int:
    """Mark running jobs of processes of this machine that are gone, without waiting for silence.

    For the start of an embedded process, where the process that held them was its predecessor.
    """
    host = socket.gethostname()
    held = Job.objects.filter(status=JobStatus.RUNNING, claimed_by__startswith=f"{host}:")
    gone = [pk for pk, name in held.values_list("pk", "claimed_by") if not _lives(name)]
    return _interrupt(Job.objects.filter(pk__in=gone))


def _interrupt(jobs: Any) -> int:
    return int(
        jobs.filter(status=JobStatus.RUNNING).update(
            status=JobStatus.INTERRUPTED,
            error_code="jobs.interrupted",
            error_message="The process that did this work ended in the middle of it. Nothing that "
            "was confirmed is lost; press Retry to go on.",
            finished_at=timezone.now(),
        )
    )


def _lives(claimed_by: str) -> bool:
    """Whether the process of that name still runs; one that started after the claim is another."""
    _, pid, _, claimed_ns = claimed_by.rsplit(":", 3)
    try:
        return psutil.Process(int(pid)).create_time() * 1e9 < int(claimed_ns)
    except psutil.NoSuchProcess:
        return False


def resume_queued() -> int:
    """Send queued jobs again after a restart of an embedded process; returns how many."""
    return _send_again(Job.objects.filter(status=JobStatus.QUEUED))


def resend_waiting() -> int:
    """Send jobs again that have waited for long; delivered twice, one delivery finds nothing to claim."""
    limit = timezone.now() - timedelta(seconds=RESEND_AFTER_S)
    waiting = Job.objects.filter(status=JobStatus.QUEUED, created_at__lt=limit)
    return _send_again(waiting.exclude(heartbeat_at__gte=limit))


def _send_again(jobs: Any) -> int:
    queued = list(jobs.values_list("kind", "pk"))
    Job.objects.filter(pk__in=[pk for _, pk in queued], status=JobStatus.QUEUED).update(
        heartbeat_at=timezone.now()
    )
    for kind, pk in queued:
        enqueue(kind, pk)
    return len(queued)


@dataclass
class Claim:
    """A job held by this worker. Writes are conditional on still holding it."""

    job: Job
    _last_read: float = 0.0
    _cancelled: bool = False
    _interrupted: bool = False
    _ended: threading.Event = field(default_factory=threading.Event)

    def progress(self, done: int, total: int | None = None, message: str | None = None) -> None:
        """Store how far the work is. Cheap enough for every batch, too much for every item."""
        values: dict[str, Any] = {"done": done, "heartbeat_at": timezone.now()}
        if total is not None:
            values["total"] = total
        if message is not None:
            values["message"] = message[:300]
        self._mine().update(**values)

    def write_log(self, line: str) -> None:
        current = Job.objects.values_list("log", flat=True).get(pk=self.job.pk)
        self._mine().update(log=f"{current}{line.rstrip()}\n"[-LOG_LIMIT:])

    @property
    def stop_requested(self) -> bool:
        """Whether to stop: Cancel was pressed, another worker took over, or the process goes down.

        Rows are read at most twice a second.
        """
        if process_stopping():
            self._interrupted = True
            return True
        now = time.monotonic()
        if not self._cancelled and now - self._last_read > 0.5:
            self._last_read = now
            row = self._mine().values_list("cancel_requested", flat=True).first()
            self._cancelled = row is None or row
        return self._cancelled

    def check(self) -> None:
        """Raise JobCancelled or JobInterrupted if the job should stop."""
        if self.stop_requested:
            raise JobInterrupted if self._interrupted else JobCancelled

    def _mine(self) -> Any:
        return Job.objects.filter(
            pk=self.job.pk, status=JobStatus.RUNNING, claimed_by=self.job.claimed_by
        )


class NotClaimed(Exception):
    """The job is not ours to do: done already, cancelled, or held by another worker."""


@contextmanager
def claimed(job_id: str) -> Iterator[Claim]:
    """Hold a job for the length of the block and record how the block ends.

    Raises NotClaimed if the job is not queued; task functions use `run_claimed`, which leaves
    quietly then. A body that saw `stop_requested` and ended counts as cancelled, not as done.
    """
    name = f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}:{time.time_ns()}"
    now = timezone.now()
    taken = Job.objects.filter(pk=job_id, status=JobStatus.QUEUED).update(
        status=JobStatus.RUNNING,
        claimed_by=name,
        started_at=now,
        heartbeat_at=now,
        attempt=F("attempt") + 1,
    )
    if not taken:
        raise NotClaimed
    claim = Claim(Job.objects.get(pk=job_id))
    beat = threading.Thread(target=_beat, args=(claim,), daemon=True, name=f"beat-{job_id}")
    if settings.JOBS_MODE != "eager":
        beat.start()
    try:
        yield claim
        if claim._interrupted or claim._cancelled:
            claim.check()
    except JobCancelled:
        _finish(claim, JobStatus.CANCELLED, message="Cancelled")
    except JobInterrupted:
        _requeue(claim)
    except StudioError as error:
        log.warning("jobs.failed", job=job_id, code=error.code, error=str(error))
        _finish(claim, JobStatus.FAILED, error_code=error.code, error_message=str(error))
    except Exception:  # the job boundary: log everything, show a safe message
        log.exception("jobs.crashed", job=job_id)
        claim.write_log(traceback.format_exc())
        _finish(
            claim,
            JobStatus.FAILED,
            error_code="jobs.crashed",
            error_message="This work stopped on an error of ours. The log of the job has the "
            "details for an administrator; Retry is safe.",
        )
    else:
        _finish(claim, JobStatus.SUCCEEDED)
    finally:
        claim._ended.set()


def run_claimed(job_id: str, body: Callable[[Claim], None]) -> None:
    """Run a task's body on a job, or leave quietly if there is nothing to claim (delivered twice).

    A job whose person lost the right to it while it waited ends with that sentence instead.
    """
    try:
        with claimed(job_id) as claim:
            refuse_forbidden(claim.job)
            body(claim)
    except NotClaimed:
        log.info("jobs.not-claimed", job=job_id)


def _requeue(claim: Claim) -> None:
    """Put back what a stopping process did not finish; the next start of the studio goes on with it."""
    claim._ended.set()
    claim._mine().update(
        status=JobStatus.QUEUED, claimed_by="", message="Goes on when the studio is started again"
    )


def _finish(claim: Claim, status: JobStatus, **values: Any) -> None:
    """Record the end. A database that takes no writes now (full disk, lock) is asked again a few
    times; after that the heartbeat has stopped and the sweeper says that the job was interrupted."""
    claim._ended.set()
    for pause_s in (0.5, 1.0, 2.0, 4.0, None):
        try:
            claim._mine().update(status=status, finished_at=timezone.now(), **values)
            return
        except DatabaseError:
            if pause_s is None or connection.in_atomic_block:
                raise
            log.warning("jobs.end-not-recorded", job=str(claim.job.pk), status=status)
            time.sleep(pause_s)


def _beat(claim: Claim) -> None:
    try:
        while not claim._ended.wait(HEARTBEAT_S):
            try:
                claim._mine().update(heartbeat_at=timezone.now())
            except DatabaseError:  # one missed beat is no death; silence for long is
                log.warning("jobs.beat-missed", job=str(claim.job.pk))
                connection.close()
    finally:
        connection.close()
