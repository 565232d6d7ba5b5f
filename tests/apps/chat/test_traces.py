from __future__ import annotations

from apps.chat.traces import steps_of


def test_bars_lie_where_the_steps_were_at_work() -> None:
    trace = [
        {"node": "heard", "at_ms": 0.0, "duration_ms": 400.0},
        {"node": "search", "at_ms": 400.0, "duration_ms": 100.0},
        {"node": "rules", "at_ms": 400.0, "duration_ms": 300.0},
        {"node": "voice", "at_ms": 700.0, "duration_ms": 300.0},
    ]

    assert [step["bar"] for step in steps_of(trace)] == [
        ("0.0", "40.0"), ("40.0", "10.0"), ("40.0", "30.0"), ("70.0", "30.0")
    ]  # fmt: skip


def test_steps_without_a_start_follow_each_other() -> None:
    trace = [{"node": "a", "duration_ms": 25.0}, {"node": "b", "duration_ms": 75.0}]

    assert [step["bar"] for step in steps_of(trace)] == [("0.0", "25.0"), ("25.0", "75.0")]


def test_what_took_no_time_is_still_seen_within_the_whole() -> None:
    trace = [{"node": "a", "duration_ms": 1000.0}, {"node": "b", "duration_ms": 0.1}]

    assert steps_of(trace)[1]["bar"] == ("99.0", "1.0")


def test_what_did_not_end_has_no_bar() -> None:
    trace = [{"node": "a", "at_ms": 3.0}, {"node": "b", "skipped": True}]

    assert [step["bar"] for step in steps_of(trace)] == [None, None]
    assert steps_of([{"node": "a", "duration_ms": 0.0}])[0]["bar"] is None
