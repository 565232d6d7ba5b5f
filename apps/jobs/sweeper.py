"""A thread that keeps job rows honest: lost workers are noticed, forgotten messages sent again. Now and
then it calls what other apps have to tidy up (settings.SWEEPS).

`start_sweeper()` is called once by every process that serves or works; several at once do no harm.
"""

from __future__ import annotations

import threading
import time

import structlog
from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from apps.jobs.services import mark_orphaned, mark_stale, resend_waiting, resume_queued

log = structlog.get_logger(__name__)

EVERY_S = 5.0
TIDY_EVERY_S = 3600.0
_started = threading.Lock()


def start_sweeper() -> None:
    """Start the thread, unless this process has one. Needs migrated tables."""
    if _started.acquire(blocking=False):
        threading.Thread(target=_run, name="job-sweeper", daemon=True).start()


def sweep() -> None:
    if stale := mark_stale():
        log.warning("jobs.interrupted", count=stale)
    if settings.JOBS_MODE == "broker" and (sent := resend_waiting()):
        log.info("jobs.sent-again", count=sent)


def resume() -> None:
    """Pick up after a restart: what the process before this one ran is marked, what waited goes on."""
    if settings.JOBS_MODE != "embedded":
        return
    if orphaned := mark_orphaned():
        log.warning("jobs.interrupted", count=orphaned)
    if queued := resume_queued():
        log.info("jobs.resumed", count=queued)


def tidy() -> None:
    """Call each of settings.SWEEPS; one that fails does not keep the others from their turn."""
    for name in settings.SWEEPS:
        try:
            import_string(name)()
        except Exception:  # a locked database, a storage that is away: the next hour tries again
            log.exception("jobs.tidy-failed", sweep=name)


def _run() -> None:
    pause = threading.Event()
    step = resume
    tidied_at = -TIDY_EVERY_S
    while True:
        try:
            step()
            step = sweep
            if time.monotonic() - tidied_at >= TIDY_EVERY_S:
                tidied_at = time.monotonic()
                tidy()
        except Exception:  # a locked database, a silent broker: the next round tries again
            log.exception("jobs.sweep-failed")
        finally:
            connection.close()
        pause.wait(EVERY_S)
