"""Background work from the command line: follow a job to its end, cancel it on Ctrl-C."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from apps.runtime.errors import StudioError
from studio.cli.output import Output

if TYPE_CHECKING:
    from apps.jobs.models import Job

POLL_S = 0.15
CANCEL_S = 30.0
"""How long a cancelled job gets to stop at a safe point."""


class JobFailed(StudioError):
    """How a job ended, with the code that it stored."""

    code = "cli.job-failed"
    sentence = "{title}: {message}"

    def __init__(self, job: Job) -> None:
        super().__init__(title=job.title, message=job.error_message or job.get_status_display())
        self.code = job.error_code or self.code  # type: ignore[misc]
        self.job_id = str(job.pk)

    def as_dict(self) -> dict[str, object]:
        return {**super().as_dict(), "job": self.job_id}


def follow(job: Job, output: Output) -> Job:
    """Show a job's progress until it ends. Raises JobFailed unless it succeeded.

    In embedded mode the work runs on threads of this very process; with a broker, wherever the
    workers are. Ctrl-C asks the job to stop, waits for it, and goes on as KeyboardInterrupt.
    """
    from apps.jobs.enums import JobStatus

    try:
        ended = _until_ended(job, output)
    except KeyboardInterrupt:
        _cancel(job, output)
        raise
    if ended.status == JobStatus.CANCELLED:
        raise KeyboardInterrupt
    if ended.status != JobStatus.SUCCEEDED:
        raise JobFailed(ended)
    return ended


def _until_ended(job: Job, output: Output) -> Job:
    while True:
        job.refresh_from_db()
        if not job.is_active:
            output.clear()
            return job
        output.progress(job.title, job.done, job.total, job.message)
        time.sleep(POLL_S)


def _cancel(job: Job, output: Output) -> None:
    from apps.jobs.services import cancel_job

    output.note("Cancelling; Ctrl-C again leaves at once.")
    cancel_job(job)
    deadline = time.monotonic() + CANCEL_S
    while time.monotonic() < deadline:
        job.refresh_from_db()
        if not job.is_active:
            return
        time.sleep(POLL_S)
