from __future__ import annotations

from typing import Any

import pytest

from apps.benchmarks.domain.validity import Client, judge

FINE = {"lag_p50_ms": 0.2, "lag_p99_ms": 2.0, "late_p99_ms": 1.0, "cpu_percent": 20.0}


def verdict(summary: dict[str, Any] | None = None, **fields: Any) -> Any:
    extra = {
        name: fields.pop(name)
        for name in ("open_loop", "system_cpu_percent", "calibration")
        if name in fields
    }
    values = {
        "ttft_ms": {"p50": 100.0, "mean": 100.0},
        "steady": {"steady": True, "drift_ms": 0.0},
        "tokens_by": "usage",
        "requests": {"ok": 10},
    } | (summary or {})
    rest = {"open_loop": False, "system_cpu_percent": 30.0, "calibration": None} | extra
    return judge(Client(**(FINE | fields)), values, **rest)


def test_a_calm_run_is_valid_without_notes() -> None:
    result = verdict()

    assert (result.client_limited, result.notes) == (False, ())


@pytest.mark.parametrize(
    "fields",
    [
        {"lag_p99_ms": 11.0},
        {"late_p99_ms": 11.0, "open_loop": True},
        {"cpu_percent": 81.0},
        {"calibration": {"ttft_error_p50_ms": 11.0}},
    ],
)
def test_a_generator_at_its_limits_is_named(fields: dict[str, Any]) -> None:
    result = verdict(**fields)

    assert result.client_limited
    assert len(result.reasons) == 1


def test_lateness_of_a_closed_loop_means_nothing() -> None:
    assert not verdict(late_p99_ms=500.0).client_limited


def test_what_is_tolerated_grows_with_the_latency_measured() -> None:
    slow = {"ttft_ms": {"p50": 2000.0, "mean": 2000.0}}

    assert not verdict(slow, lag_p99_ms=99.0).client_limited
    assert verdict(slow, lag_p99_ms=101.0).client_limited


def test_notes_on_a_busy_machine_drift_and_missing_usage() -> None:
    result = verdict(
        {"steady": {"steady": False, "drift_ms": 900.0}, "tokens_by": "events"},
        system_cpu_percent=95.0,
    )

    assert not result.client_limited
    assert len(result.notes) == 3
