from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.benchmarks.domain.aggregate import (
    Recorder,
    Window,
    goodput,
    histogram,
    meets,
    per_second,
    steadiness,
    summarise,
)
from apps.benchmarks.domain.profile import Profile, Slo
from apps.benchmarks.domain.records import Record

CLOSED = Profile(prompts=("x",), warmup_s=0, duration_s=10)
OPEN = CLOSED.model_copy(update={"mode": "open"})
WINDOW = Window(0.0, 10.0)


def record(
    start: float = 0.0, ttft: float = 0.1, gap: float = 0.02, n: int = 3, **fields: object
) -> Record:
    times = tuple(start + ttft + index * gap for index in range(n))
    values = {
        "index": 0,
        "intended_s": start,
        "start_s": start,
        "end_s": (times[-1] if times else start) + 0.01,
        "token_s": times,
        "tokens": n,
        "counted": True,
    }
    return Record(**(values | fields))  # type: ignore[arg-type]


def test_latencies_of_one_request_by_hand() -> None:
    one = record(start=1.0, ttft=0.1, gap=0.02, n=3)

    assert one.ttft_ms() == pytest.approx(100)
    assert one.gaps_ms == pytest.approx([20, 20])
    assert one.itl_mean_ms == pytest.approx(20)
    assert one.e2e_ms() == pytest.approx(150)


def test_several_tokens_per_event_divide_the_inter_token_latency() -> None:
    one = record(gap=0.04, n=3, tokens=9)

    assert one.itl_mean_ms == pytest.approx(80 / 8)


def test_a_request_without_tokens_has_no_latency_of_tokens() -> None:
    one = record(n=0)

    assert (one.ttft_ms(), one.itl_mean_ms, one.gaps_ms) == (None, None, [])
    assert record(n=1).itl_mean_ms is None


def test_summary_by_hand() -> None:
    records = [
        record(start=0.0),
        record(start=9.9, ttft=0.05, gap=0.1),
        record(start=2.0, n=0, status="failed", cause="HTTP 500"),
        record(start=3.0, n=2, status="truncated", cause="cut"),
        record(start=4.0, n=2, status="cancelled", cause="cut on purpose"),
    ]

    summary = summarise(records, WINDOW, CLOSED)

    assert summary["requests"] == {
        "total": 5,
        "ok": 2,
        "failed": 1,
        "truncated": 1,
        "cancelled": 1,
        "errors": {"HTTP 500": 1, "cut": 1},
    }
    # 3 tokens, 1 of the late one (9.95; the next are at 10.05), 2 cut by the server, 2 by the client
    assert summary["tokens_per_s"] == pytest.approx(0.8)
    # only the first of the two complete ones ends within the window
    assert summary["requests_per_s"] == pytest.approx(0.1)
    assert summary["ttft_ms"]["n"] == 3
    assert summary["tokens_by"] == "usage"


def test_open_loop_counts_from_the_intended_start() -> None:
    held_up = record(start=2.0, ttft=0.1, intended_s=1.0)

    summary = summarise([held_up] * 6, WINDOW, OPEN)

    assert summary["ttft_ms"]["p50"] == pytest.approx(1100)
    assert summary["ttft_sent_ms"]["p50"] == pytest.approx(100)
    assert summarise([held_up] * 6, WINDOW, CLOSED)["ttft_ms"]["p50"] == pytest.approx(100)


def test_coordinated_omission_shows_in_an_open_loop() -> None:
    """A server that stands still for 1 s at 10 requests/s: ten requests wait, not one."""
    due = [index / 10 for index in range(100)]
    records = [
        record(start=at, ttft=0.02 + max(0.0, 5.0 - at if 4.0 <= at < 5.0 else 0.0)) for at in due
    ]

    late = sum((one.ttft_ms(from_intended=True) or 0) > 100 for one in records)

    assert late == 10


@pytest.mark.parametrize(
    ("fields", "good"),
    [
        ({}, True),
        ({"ttft": 0.5}, False),
        ({"gap": 0.2}, False),
        ({"status": "failed"}, False),
        ({"status": "truncated"}, False),
        ({"n": 1}, True),
    ],
)
def test_meets_every_limit(fields: dict[str, object], good: bool) -> None:
    assert meets(record(**fields), Slo(ttft_ms=200, itl_ms=50)) is good  # type: ignore[arg-type]


def test_goodput_counts_failures_as_misses_and_leaves_planned_cuts_out() -> None:
    records = [record(), record(status="failed"), record(status="cancelled"), record(ttft=9.0)]

    result = goodput(records, Slo(ttft_ms=200), WINDOW, from_intended=False)

    assert result is not None
    assert (result["n"], result["value"]) == (3, pytest.approx(1 / 3))
    assert result["low"] < 1 / 3 < result["high"]
    assert goodput(records, Slo(), WINDOW, from_intended=False) is None


def test_steadiness_sees_a_backlog_that_grows() -> None:
    growing = [record(start=at / 10, ttft=0.05 + at / 100) for at in range(100)]
    level = [record(start=at / 10, ttft=0.05 + (at % 3) / 1000) for at in range(100)]

    assert steadiness(growing, from_intended=False)["steady"] is False
    assert steadiness(level, from_intended=False)["steady"] is True
    assert steadiness(level[:10], from_intended=False)["steady"] is None


def test_series_by_hand() -> None:
    series = per_second(
        [record(start=0.5, ttft=0.1, gap=0.5, n=3), record(start=2.1, n=0, status="failed")], 3
    )

    assert series["t_s"] == [0.0, 1.0, 2.0]
    assert series["tokens_per_s"] == [1, 2, 0]
    assert series["ttft_p50_ms"] == [pytest.approx(100), None, None]
    assert series["itl_p50_ms"] == [None, pytest.approx(500), None]
    assert series["requests_per_s"] == [0, 1, 0]
    assert series["failures_per_s"] == [0, 0, 1]
    assert series["in_flight"] == [pytest.approx(0.5), pytest.approx(0.61), pytest.approx(0.01)]


@given(
    st.lists(
        st.builds(
            record,
            start=st.floats(0, 12),
            ttft=st.floats(0, 3),
            gap=st.floats(0, 0.5),
            n=st.integers(0, 5),
            status=st.sampled_from(["ok", "failed", "truncated", "cancelled"]),
        ),
        max_size=20,
    )
)
def test_summary_holds_together_for_any_records(records: list[Record]) -> None:
    summary = summarise(records, WINDOW, CLOSED)
    counts = summary["requests"]

    assert (
        counts["total"]
        == counts["ok"] + counts["failed"] + counts["truncated"] + counts["cancelled"]
    )
    assert summary["tokens_per_s"] * 10 <= sum(len(one.token_s) for one in records) + 0.01
    assert 0 <= summary["in_flight_mean"] <= max(1, len(records))
    series = per_second(records, 20)
    busy = sum(value or 0 for value in series["in_flight"])
    assert busy == pytest.approx(sum(one.end_s - one.start_s for one in records), abs=0.5)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_histogram_counts_every_value_once(values: list[float]) -> None:
    bins = histogram(values)

    assert sum(count for _, _, count in bins) == len(values)
    assert all(low < high for low, high, _ in bins)


def test_histogram_of_nothing_is_empty() -> None:
    assert histogram([]) == []
    assert math.isclose(histogram([5.0])[0][0], 5.0)


def test_figures_of_a_going_run_leave_out_what_may_still_be_in_flight() -> None:
    recorder = Recorder(CLOSED, [record(start=1.0, ttft=0.5, gap=0.0, n=1, end_s=3.0)])

    assert recorder.settled_s(8.0) == pytest.approx(5.0)
    assert Recorder(CLOSED).settled_s(0.5) == 0.0
