"""The one door to Celery. Work starts after the surrounding transaction has committed.

Modes (settings.JOBS_MODE):
    embedded   task.apply() on a small executor in this process; the default without a broker
    broker     task.apply_async() through CELERY_BROKER_URL, done by Celery workers
    eager      at once, in the caller's thread; for tests
"""

from __future__ import annotations

from concurrent.futures import Future
from functools import cache, partial
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from apps.jobs.enums import JobStatus
from apps.jobs.errors import BrokerUnavailable
from apps.jobs.executor import Executor
from apps.jobs.models import Job

log = structlog.get_logger(__name__)


def enqueue(task_name: str, job_id: UUID) -> None:
    """Hand a queued job to the workers once the current transaction commits."""
    transaction.on_commit(partial(_send, task_name, str(job_id)))


def _send(task_name: str, job_id: str) -> None:
    task = current_app.tasks[task_name]
    if settings.JOBS_MODE == "broker":
        try:
            task.apply_async(kwargs={"job_id": job_id}, retry=False)
        except (OperationalError, OSError) as error:
            _mark_unsent(job_id)
            raise BrokerUnavailable(url=_safe_broker_url(), reason=str(error)) from error
    elif settings.JOBS_MODE == "embedded":
        _executor().submit(_apply, task, job_id).add_done_callback(_report)
    else:
        task.apply(kwargs={"job_id": job_id}, throw=True)


def _apply(task: object, job_id: str) -> None:
    try:
        task.apply(kwargs={"job_id": job_id}, throw=True)  # type: ignore[attr-defined]
    finally:
        connection.close()


def _report(future: Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()):
        log.error("jobs.embedded-task-raised", exc_info=error)


def _mark_unsent(job_id: str) -> None:
    error = BrokerUnavailable(url=_safe_broker_url(), reason="")
    Job.objects.filter(pk=job_id, status=JobStatus.QUEUED).update(
        status=JobStatus.INTERRUPTED, error_code=error.code, error_message=str(error)
    )


def _safe_broker_url() -> str:
    return str(current_app.connection_for_write().as_uri())


def process_stopping() -> bool:
    """Whether this process is going down and its embedded jobs should stop where they are."""
    return _executor.cache_info().currsize > 0 and _executor().stopping.is_set()


def stop_embedded_jobs() -> None:
    """Have running jobs note where they are and end. Servers call it at their shutdown: not every
    one lets exit handlers run after a signal."""
    if _executor.cache_info().currsize:
        _executor().shutdown()


@cache
def _executor() -> Executor:
    return Executor(settings.JOBS_EMBEDDED_WORKERS)
