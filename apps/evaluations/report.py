"""A run as one JSON document or one CSV table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from apps.evaluations.domain.catalogue import BY_ID
from apps.evaluations.models import EvalRun
from apps.evaluations.presentation import gates, label_of

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that starts like this for a formula and may run it (CSV injection, OWASP)."""


def run_report(run: EvalRun, *, samples: bool = True) -> dict[str, Any]:
    """Everything about a run, JSON-safe: what was run, on what, its figures with intervals, every sample."""
    report: dict[str, Any] = {
        "run": str(run.pk),
        "status": run.job.status if run.job else "",
        "created_at": run.created_at.isoformat(),
        "project": run.project.name,
        "version": {
            "number": run.version.number,
            "name": run.version.name,
            "sha256": run.version.sha256,
        },
        "dataset": {
            "name": run.dataset.name,
            "sha256": run.dataset.sha256,
            "questions": run.dataset.question_count,
        },
        "model": run.model,
        "k": run.k,
        "seed": run.seed,
        "knowledge": run.collections,
        "metrics": {
            name: {
                "label": label_of(name, run.k),
                "meaning": BY_ID[name].meaning,
                **run.summary.get(name, {}),
            }
            for name in run.metrics
            if name in BY_ID
        },
        "verdicts": run.summary.get("verdicts", {}),
        "duration_p50_ms": run.summary.get("duration_p50_ms"),
        "gates": [
            {
                "metric": gate.metric,
                "min": gate.minimum,
                "max": gate.maximum,
                "value": gate.value,
                "outcome": gate.outcome,
            }
            for gate in gates(run)
        ],
        "interval": "95 %: Wilson for shares, percentile bootstrap of 1,000 rounds for means",
    }
    if samples:
        report["samples"] = [
            _sample(row) for row in run.samples.select_related("question").iterator(500)
        ]
    return report


def run_csv(run: EvalRun) -> str:
    """One row per sample, safe to open in a spreadsheet."""
    target = io.StringIO()
    writer = csv.writer(target)
    names = [name for name in run.metrics if name in BY_ID]
    writer.writerow(
        [
            "number",
            "question",
            "answer",
            "references",
            "verdict",
            "reason",
            *names,
            "retrieved",
            "right_passages",
            "unsupported",
            "duration_ms",
            "error",
        ]  # fmt: skip
    )
    for row in run.samples.select_related("question").iterator(500):
        sample = _sample(row)
        writer.writerow(
            _safe(
                [
                    sample["number"],
                    sample["question"],
                    sample["answer"],
                    " || ".join(sample["references"]),
                    sample["verdict"],
                    sample["reason"],
                    *(sample["metrics"].get(name) for name in names),
                    " || ".join(one["document"] for one in sample["passages"]),
                    " ".join(str(one["rank"]) for one in sample["passages"] if one["right"]),
                    " || ".join(sample["unsupported"]),
                    sample["duration_ms"],
                    sample["error"],
                ]
            )
        )
    return target.getvalue()


def _sample(row: Any) -> dict[str, Any]:
    return {
        "number": row.ordinal,
        "question": row.question.text,
        "answer": row.answer,
        "references": row.question.references,
        "relevant": row.question.relevant,
        "evidence": row.question.evidence,
        "verdict": row.verdict,
        "reason": row.reason,
        "metrics": row.metrics,
        "unsupported": row.details.get("unsupported", []),
        "passages": [
            {
                "rank": rank,
                "document": passage["document"],
                "page": passage["page"],
                "score": passage["score"],
                "right": passage["right"],
                "text": passage["text"],
            }
            for rank, passage in enumerate(row.passages, start=1)
        ],
        "duration_ms": None if row.duration_ms is None else round(row.duration_ms, 1),
        "error": row.error_message,
    }


def _safe(cells: Sequence[Any]) -> list[Any]:
    return [
        f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
        for cell in cells
    ]
