"""From requests to figures: aggregates of the measured window and per-second series."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from apps.benchmarks.domain.percentiles import Distribution, distribution
from apps.benchmarks.domain.profile import Profile, Slo
from apps.benchmarks.domain.records import Record
from apps.evaluations.domain.statistics import wilson

STEADY_MIN_N = 30
"""Fewest requests for a verdict on steadiness."""


@dataclass(frozen=True, slots=True)
class Window:
    """The measured part of the run, in seconds from its start."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return max(self.end_s - self.start_s, 1e-9)

    def holds(self, at_s: float) -> bool:
        return self.start_s <= at_s < self.end_s


@dataclass
class Recorder:
    """Collects requests as they end and sums them up at any time."""

    profile: Profile
    records: list[Record] = field(default_factory=list)

    def add(self, record: Record) -> None:
        self.records.append(record)

    def summary(self, until_s: float | None = None) -> dict[str, Any]:
        """Figures of the window, or of its part before `until_s` while the run is going on."""
        start, end = float(self.profile.warmup_s), float(self.profile.total_s)
        window = Window(start, min(end, until_s) if until_s is not None else end)
        return summarise(self.records, window, self.profile)

    def series(self, until_s: float) -> dict[str, list[float | None]]:
        return per_second(self.records, math.ceil(until_s))

    def settled_s(self, now_s: float) -> float:
        """Until when figures are whole while the run goes on: what is still in flight is not recorded yet."""
        longest = max(
            (record.end_s - record.start_s for record in self.records[-200:]), default=0.0
        )
        return max(0.0, now_s - longest - 1.0)


def summarise(records: Sequence[Record], window: Window, profile: Profile) -> dict[str, Any]:
    """Figures of one window.

    Latencies are of the requests whose intended start lies in the window, whenever they end; of an open
    loop they count from the intended start, and `ttft_sent_ms` from the real one beside it. Throughput
    counts tokens and completions that fall into the window, of whichever request.
    """
    from_intended = profile.mode == "open"
    inside = [record for record in records if window.holds(record.intended_s)]
    answered = [record for record in inside if record.status in {"ok", "cancelled"}]
    complete = [record for record in inside if record.status == "ok"]
    tokens = sum(_tokens_within(record, window) for record in records)
    finished = sum(record.status == "ok" and window.holds(record.end_s) for record in records)
    events = sum(len(record.token_s) for record in complete)
    counted = sum(record.tokens for record in complete)
    busy = sum(
        max(0.0, min(record.end_s, window.end_s) - max(record.start_s, window.start_s))
        for record in records
    )
    return {
        "window": {"start_s": window.start_s, "end_s": round(window.end_s, 3)},
        "requests": _counts(inside),
        "ttft_ms": _distribution(
            record.ttft_ms(from_intended=from_intended) for record in answered
        ),
        "ttft_sent_ms": _distribution(record.ttft_ms() for record in answered)
        if from_intended
        else None,
        "itl_ms": _distribution(gap for record in answered for gap in record.gaps_ms),
        "itl_mean_ms": _distribution(record.itl_mean_ms for record in answered),
        "e2e_ms": _distribution(record.e2e_ms(from_intended=from_intended) for record in complete),
        "tokens_per_s": round(tokens / window.duration_s, 3),
        "requests_per_s": round(finished / window.duration_s, 4),
        "tokens_per_request": round(counted / len(complete), 2) if complete else None,
        "tokens_per_event": round(counted / events, 3) if events else None,
        "tokens_by": "usage" if all(record.counted for record in complete) else "events",
        "in_flight_mean": round(busy / window.duration_s, 2),
        "goodput": goodput(inside, profile.slo, window, from_intended=from_intended),
        "steady": steadiness(answered, from_intended=from_intended),
    }


def goodput(
    records: Iterable[Record], slo: Slo, window: Window, *, from_intended: bool
) -> dict[str, Any] | None:
    """Share (Wilson interval) and rate of requests that keep every limit; failures are misses.

    Requests that the client cut on purpose are left out. None without limits.
    """
    if not slo.is_set:
        return None
    judged = [record for record in records if record.status != "cancelled"]
    good = sum(meets(record, slo, from_intended=from_intended) for record in judged)
    return {
        **wilson(good, len(judged)).as_dict(),
        "requests_per_s": round(good / window.duration_s, 4),
    }


def meets(record: Record, slo: Slo, *, from_intended: bool = False) -> bool:
    """Whether one request is complete and keeps every limit that is set.

    A reply of one token has no inter-token latency and keeps that limit.
    """
    if record.status != "ok":
        return False
    ttft, itl = record.ttft_ms(from_intended=from_intended), record.itl_mean_ms
    return (
        (slo.ttft_ms is None or (ttft is not None and ttft <= slo.ttft_ms))
        and (slo.itl_ms is None or itl is None or itl <= slo.itl_ms)
        and (slo.e2e_ms is None or record.e2e_ms(from_intended=from_intended) <= slo.e2e_ms)
    )


def steadiness(records: Sequence[Record], *, from_intended: bool) -> dict[str, Any]:
    """Whether TTFT drifts over the window: least-squares slope with its 95 % interval.

    Not steady if the interval leaves out 0 and the drift over the window is more than a fifth of the mean.
    """
    points = [
        (record.intended_s, ttft)
        for record in records
        if (ttft := record.ttft_ms(from_intended=from_intended)) is not None
    ]
    if len(points) < STEADY_MIN_N:
        return {"steady": None, "drift_ms": None, "n": len(points)}
    x, y = (np.asarray(column, dtype=np.float64) for column in zip(*points, strict=True))
    spread = float(((x - x.mean()) ** 2).sum())
    if spread == 0:
        return {"steady": None, "drift_ms": None, "n": len(points)}
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
    rest = y - y.mean() - slope * (x - x.mean())
    error = math.sqrt(float((rest**2).sum()) / (len(points) - 2) / spread)
    drift = slope * float(x.max() - x.min())
    drifts = abs(slope) > 1.96 * error and abs(drift) > 0.2 * float(y.mean())
    return {"steady": not drifts, "drift_ms": round(drift, 2), "n": len(points)}


def per_second(records: Iterable[Record], seconds: int) -> dict[str, list[float | None]]:
    """Per second of the run: TTFT and gaps by when they were seen, tokens, completions, in flight.

    "p50" is the median and "max" the largest value of that second; seconds without one hold None.
    """
    seconds = max(seconds, 1)
    ttft: list[list[float]] = [[] for _ in range(seconds)]
    gaps: list[list[float]] = [[] for _ in range(seconds)]
    tokens = [0.0] * seconds
    done, failed, open_s = [0] * seconds, [0] * seconds, [0.0] * seconds
    for record in records:
        _add_span(open_s, record.start_s, record.end_s)
        if (second := int(record.end_s)) < seconds:
            done[second] += record.status == "ok"
            failed[second] += record.status in {"failed", "truncated"}
        weight = _weight(record)
        previous: float | None = None
        for at in record.token_s:
            second = int(at)
            if second >= seconds:
                break
            tokens[second] += weight
            if previous is None:
                ttft[second].append((at - record.start_s) * 1e3)
            else:
                gaps[second].append((at - previous) * 1e3)
            previous = at
    return {
        "t_s": [float(second) for second in range(seconds)],
        "ttft_p50_ms": [_median(values) for values in ttft],
        "ttft_max_ms": [_largest(values) for values in ttft],
        "itl_p50_ms": [_median(values) for values in gaps],
        "itl_max_ms": [_largest(values) for values in gaps],
        "tokens_per_s": [round(value, 2) for value in tokens],
        "requests_per_s": [float(value) for value in done],
        "failures_per_s": [float(value) for value in failed],
        "in_flight": [round(value, 2) for value in open_s],
    }


def histogram(values: Sequence[float], bins: int = 16) -> list[tuple[float, float, int]]:
    """Counts in equal steps from the smallest value to the 99th percentile: (low, high, n).

    What is larger is in the last step, so that one straggler does not flatten the rest.
    """
    if not values:
        return []
    array = np.asarray(values, dtype=np.float64)
    low, high = float(array.min()), float(np.percentile(array, 99))
    if high <= low:
        high = low + 1.0
    counts, edges = np.histogram(np.minimum(array, high), bins=bins, range=(low, high))
    return [
        (float(start), float(end), int(count))
        for start, end, count in zip(edges, edges[1:], counts, strict=False)
    ]


def _counts(records: Sequence[Record]) -> dict[str, Any]:
    statuses = Counter(record.status for record in records)
    causes = Counter(record.cause for record in records if record.status in {"failed", "truncated"})
    return {
        "total": len(records),
        "ok": statuses["ok"],
        "failed": statuses["failed"],
        "truncated": statuses["truncated"],
        "cancelled": statuses["cancelled"],
        "errors": dict(causes.most_common()),
    }


def _distribution(values: Iterable[float | None]) -> dict[str, float | int | None]:
    known: Distribution = distribution([value for value in values if value is not None])
    return known.as_dict()


def _weight(record: Record) -> float:
    """Tokens per event: servers may put several into one."""
    return record.tokens / len(record.token_s) if record.counted and record.token_s else 1.0


def _tokens_within(record: Record, window: Window) -> float:
    return _weight(record) * sum(window.holds(at) for at in record.token_s)


def _add_span(seconds: list[float], start: float, end: float) -> None:
    """Add to each second the share of it that [start, end) covers."""
    for second in range(max(0, int(start)), min(len(seconds), math.ceil(end))):
        seconds[second] += max(0.0, min(end, second + 1) - max(start, second))


def _median(values: list[float]) -> float | None:
    return round(float(np.median(values)), 3) if values else None


def _largest(values: list[float]) -> float | None:
    return round(max(values), 3) if values else None
