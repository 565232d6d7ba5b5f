"""Exports as background work."""

from __future__ import annotations

from celery import shared_task

from apps.jobs.services import Claim, run_claimed
from apps.packages.models import PackageExport
from apps.packages.services import TASK, make_package


@shared_task(name=TASK)  # type: ignore[untyped-decorator]
def export(*, job_id: str) -> None:
    run_claimed(job_id, _export)


def _export(claim: Claim) -> None:
    last = ""

    def step(message: str, done: int, total: int) -> None:
        nonlocal last
        claim.check()
        if message != last:
            claim.write_log(message)
        if message != last or done == total or done - claim.job.done > total // 20:
            claim.job.done = done
            claim.progress(done, total, message)
        last = message

    export = PackageExport.objects.select_related("project__owner", "version").get(
        pk=claim.job.target_id
    )
    report = make_package(export=export, step=step)
    claim.write_log(
        f"Verified: {len(report.contents)} files, {len(report.findings)} findings, "
        f"{report.size_bytes} bytes, sha256 {report.sha256}, {report.duration_s:.2f} s"
    )
    claim.progress(report.size_bytes, report.size_bytes, "Verified and ready")
