"""Whether a job's person may still have it done; what that takes is known to the app that made the job."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string

from apps.jobs.models import Job


def refuse_forbidden(job: Job) -> None:
    """Ask the guard of the job's kind (settings.JOBS_GUARDS); a kind without one is free.

    Raises what the guard raises: a StudioError whose sentence the person reads.
    """
    if name := settings.JOBS_GUARDS.get(job.kind):
        import_string(name)(job)
