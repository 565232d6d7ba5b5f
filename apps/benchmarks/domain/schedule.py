"""When requests are to start. Computed before the run, so that the system under test cannot slow it."""

from __future__ import annotations

from typing import Literal

import numpy as np

Arrival = Literal["poisson", "constant"]


def arrivals(
    rate_rps: float, start_s: float, duration_s: float, kind: Arrival, seed: int
) -> list[float]:
    """round(rate x duration) start times in [start_s, start_s + duration_s), rising.

    constant   evenly spaced
    poisson    exponential gaps, rescaled so that exactly that many fall into the window: a Poisson
               process conditioned on its count, so the achieved rate is the asked one
    """
    count = round(rate_rps * duration_s)
    if kind == "constant":
        return [start_s + duration_s * index / count for index in range(count)]
    gaps = np.random.default_rng(seed).exponential(size=count + 1)
    places = np.cumsum(gaps[:count]) / gaps.sum()
    return [start_s + duration_s * float(place) for place in places]


def open_schedule(
    rate_rps: float, warmup_s: float, duration_s: float, kind: Arrival, seed: int
) -> list[float]:
    """Start times of warm-up and window; each has its exact number of requests."""
    return [
        *arrivals(rate_rps, 0.0, warmup_s, kind, seed),
        *arrivals(rate_rps, warmup_s, duration_s, kind, seed + 1),
    ]


def ramp(concurrency: int, warmup_s: float) -> list[float]:
    """First start of each user of a closed loop, spread over the warm-up, at most 10 s.

    A start in the same instant would make all streams end together and hit the client in bursts.
    Without a warm-up the spread is 1 s.
    """
    spread = min(10.0, warmup_s * 0.8) if warmup_s else min(1.0, 0.02 * concurrency)
    return [spread * index / concurrency for index in range(concurrency)]
