"""A load run as one JSON document or one CSV table of requests."""

from __future__ import annotations

import csv
import io
from typing import Any

from apps.benchmarks.models import BenchRun
from apps.benchmarks.presentation import records_of
from apps.benchmarks.queries import resources_of

COLUMNS = (
    "index", "intended_s", "start_s", "end_s", "ttft_ms", "e2e_ms", "itl_mean_ms", "tokens", "counted",
    "prompt_tokens", "status", "cause", "http_status",
)  # fmt: skip


def bench_report(run: BenchRun) -> dict[str, Any]:
    """Everything about a run, JSON-safe: what was run, its figures, its series, the machine."""
    profile = dict(run.profile)
    profile["prompts"] = len(profile.get("prompts", ()))
    return {
        "run": str(run.pk),
        "status": run.job.status if run.job else "",
        "created_at": run.created_at.isoformat(),
        "project": run.project.name,
        "version": {
            "number": run.version.number,
            "name": run.version.name,
            "sha256": run.version.sha256,
        },
        "model": run.model,
        "knowledge": run.collections,
        "profile": profile,
        "summary": run.summary,
        "series": run.series,
        "resources": {
            part: [{"t_s": t_s, "cpu_percent": cpu, "rss_bytes": rss} for t_s, cpu, rss in rows]
            for part, rows in resources_of(run).items()
        },
    }


def bench_csv(run: BenchRun) -> str:
    """One row per request, warm-up included (intended_s before the window's start)."""
    target = io.StringIO()
    writer = csv.DictWriter(target, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for record in records_of(run):
        writer.writerow(record | _derived(record))
    return target.getvalue()


def _derived(record: dict[str, Any]) -> dict[str, Any]:
    times = record["token_us"]
    count = max(record["tokens"], len(times))
    return {
        "ttft_ms": round(times[0] / 1e3, 3) if times else "",
        "e2e_ms": round((record["end_s"] - record["start_s"]) * 1e3, 3),
        "itl_mean_ms": round((times[-1] - times[0]) / (count - 1) / 1e3, 4)
        if count > 1 and len(times) > 1
        else "",
    }
