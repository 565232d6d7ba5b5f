"""Runs evaluations: claim, plan, engine, record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from celery import shared_task

from apps.evaluations.app_under_test import app_plan
from apps.evaluations.domain.verdicts import Verdict
from apps.evaluations.models import EvalRun, Question
from apps.evaluations.services import RUN_TASK, finish_run, record_samples
from apps.jobs.services import Claim, run_claimed
from worker.engine_process import engine_events

ENGINE = "worker.engines.evaluate"
CONCURRENCY = 4
SAMPLE_TIMEOUT_S = 300.0
BATCH = 20
LIVE_S = 3.0
"""How often the page that watches gets figures of what is answered so far; less often if that is slow."""
BATCH_S = 0.5


@shared_task(name=RUN_TASK)  # type: ignore[untyped-decorator]
def run(*, job_id: str) -> None:
    run_claimed(job_id, _run)


def _run(claim: Claim) -> None:
    rows = EvalRun.objects.select_related("version__project__owner", "dataset")
    evaluation = rows.get(pk=claim.job.target_id)
    try:
        _evaluate(evaluation, claim)
    finally:
        finish_run(evaluation)


def _evaluate(evaluation: EvalRun, claim: Claim) -> None:
    total = evaluation.dataset.question_count
    missing = list(missing_questions(evaluation))
    done = total - len(missing)
    claim.progress(done, total, "Preparing the knowledge")
    if not missing:
        return
    questions = {row.ordinal: row.pk for row in missing}
    with app_plan(evaluation.version, claim.job.pk) as app_part:
        plan = {
            "app": app_part,
            "k": evaluation.k,
            "concurrency": CONCURRENCY,
            "timeout_s": SAMPLE_TIMEOUT_S,
            "questions": [_question(row) for row in missing],
        }
        claim.progress(done, total, "Loading the application")
        summed_at, pause_s = time.monotonic(), LIVE_S
        for batch in _batches(plan, claim):
            record_samples(run=evaluation, samples=batch, questions=questions)
            done += len(batch)
            claim.progress(done, total, f"{done} of {total} questions answered")
            if (now := time.monotonic()) - summed_at >= pause_s:
                finish_run(evaluation)
                summed_at = time.monotonic()
                pause_s = max(LIVE_S, 20 * (summed_at - now))


def missing_questions(evaluation: EvalRun) -> Iterator[Question]:
    """The questions without a sample, and those that ended in an error: what Retry goes on with."""
    judged = evaluation.samples.exclude(verdict=Verdict.ERROR).values("ordinal")
    return evaluation.dataset.questions.exclude(ordinal__in=judged).iterator()


def _batches(plan: dict[str, Any], claim: Claim) -> Iterator[list[dict[str, Any]]]:
    """Samples in batches: each is one write. What came before a failure is handed out too."""
    batch: list[dict[str, Any]] = []
    last = time.monotonic()
    events = engine_events(ENGINE, plan, stop=lambda: claim.stop_requested)
    try:
        for event in events:
            if event["type"] == "sample":
                batch.append(event)
            if batch and (len(batch) >= BATCH or time.monotonic() - last >= BATCH_S):
                yield batch
                batch, last = [], time.monotonic()
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _question(row: Question) -> dict[str, Any]:
    return {
        "ordinal": row.ordinal,
        "text": row.text,
        "references": row.references,
        "relevant": row.relevant,
        "evidence": row.evidence,
    }
