"""`genai-studio jobs`: background work, and its end or new beginning."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from studio.cli import exits, session, work
from studio.cli.output import Output, refuse

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.jobs.models import Job

HELP = "list background work, cancel it, try it again"
DESCRIPTION = "List background work, or look at one piece of it."
LISTED = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", metavar="ID", help="one job; its first characters suffice")
    parser.add_argument("--active", action="store_true", help="only what waits or runs")
    deed = parser.add_mutually_exclusive_group()
    deed.add_argument("--cancel", action="store_true", help="ask the job to stop")
    deed.add_argument("--retry", action="store_true", help="run it again and wait for its end")
    deed.add_argument("--log", action="store_true", help="show its log")
    session.add_arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    if not options.id and (options.cancel or options.retry or options.log):
        refuse("Name the job: genai-studio jobs ID --cancel")
    user = session.start(options, output)
    from apps.jobs.enums import ACTIVE
    from apps.jobs.queries import jobs_for
    from apps.jobs.services import cancel_job, retry_job

    rows = jobs_for(user)
    if not options.id:
        shown = list((rows.filter(status__in=ACTIVE) if options.active else rows)[:LISTED])
        text = "\n".join(_line(job) for job in shown) or "No background work."
        output.result({"jobs": [_data(job) for job in shown]}, text)
        return exits.OK
    job = _one(rows, options.id)
    if options.cancel:
        cancel_job(job)
        job.refresh_from_db()
    elif options.retry:
        job = work.follow(retry_job(job), output)
    text = job.log.rstrip() or "The log is empty." if options.log else _detail(job)
    output.result(_data(job) | ({"log": job.log} if options.log else {}), text)
    return exits.OK


def _one(rows: QuerySet[Job], prefix: str) -> Job:
    """The job with that id, or the only one whose id begins so."""
    wanted = prefix.lower()
    found = [job for job in rows[:1000] if str(job.pk).startswith(wanted)]
    if len(found) != 1:
        refuse(f"{'No' if not found else 'More than one'} job has an id that begins with {prefix}.")
    return found[0]


def _line(job: Job) -> str:
    share = f"{job.percent:>3} %" if job.total else "     "
    return f"{str(job.pk)[:8]}  {job.status:<11} {share}  {job.title}"


def _detail(job: Job) -> str:
    error = f"\n{job.error_code}: {job.error_message}" if job.error_code else ""
    return f"{_line(job)}\n{job.kind}, attempt {job.attempt} {job.message}".rstrip() + error


def _data(job: Job) -> dict[str, Any]:
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "title": job.title,
        "status": job.status,
        "done": job.done,
        "total": job.total,
        "message": job.message,
        "attempt": job.attempt,
        "error": {"code": job.error_code, "message": job.error_message} if job.error_code else None,
        "created_at": job.created_at.isoformat(),
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
    }
