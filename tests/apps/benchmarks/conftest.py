"""A version as in the tests of evaluations, and load runs that ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from apps.accounts.models import User
from apps.benchmarks.domain.aggregate import Recorder
from apps.benchmarks.domain.profile import Profile
from apps.benchmarks.domain.records import record_from
from apps.benchmarks.domain.validity import Client, judge
from apps.benchmarks.models import BenchRun
from apps.benchmarks.services import finish_run, record_resources
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.projects.models import SpecVersion
from tests.apps.evaluations.cases import (  # noqa: F401 - fixtures
    collection,
    dataset,
    project,
    version,
)


def line(index: int, start: float, ttft_ms: float) -> dict[str, Any]:
    return {
        "index": index,
        "intended_s": start,
        "start_s": start,
        "end_s": start + ttft_ms / 1e3 + 0.1,
        "token_us": [int(ttft_ms * 1e3) + step * 20_000 for step in range(5)],
        "tokens": 5,
        "counted": True,
        "prompt_tokens": 9,
        "status": "ok",
        "cause": "",
        "http_status": 200,
    }


@pytest.fixture
def make_bench(owner: User) -> Callable[..., BenchRun]:
    """`make_bench(version, ttft_ms=100)`: a finished run of 80 requests, no engine."""

    def make(
        of: SpecVersion, ttft_ms: float = 100.0, client: Mapping[str, float] | None = None
    ) -> BenchRun:
        profile = Profile(prompts=("Who?", "When?"), duration_s=10, warmup_s=2)
        job = Job.objects.create(
            kind="benchmarks.run",
            target_id="x",
            title="Load",
            owner=owner,
            status=JobStatus.SUCCEEDED,
        )
        run = BenchRun.objects.create(
            project=of.project,
            version=of,
            job=job,
            label=profile.label,
            profile=profile.model_dump(mode="json"),
            model="builtin/extractive",
            created_by=owner,
        )
        lines = [line(index, 2 + index / 10, ttft_ms + index % 7) for index in range(80)]
        recorder = Recorder(profile, [record_from(one) for one in lines])
        summary = recorder.summary()
        values = {"lag_p50_ms": 0.1, "lag_p99_ms": 1.0, "late_p99_ms": 0.1, "cpu_percent": 5.0}
        summary["validity"] = judge(
            Client(**(values | dict(client or {}))),
            summary,
            open_loop=False,
            system_cpu_percent=20.0,
            calibration=None,
        ).as_dict()
        finish_run(run, summary=summary, series=recorder.series(12), records=lines)
        parts = ("application", "generator", "system")
        record_resources(
            run, [(float(t), part, 10.0 * t, 1_000_000) for t in range(12) for part in parts]
        )
        return run

    return make
