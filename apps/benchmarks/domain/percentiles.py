"""Percentiles that say when there are too few values for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

MIN_N = {50: 6, 90: 36, 95: 72, 99: 368}
"""Fewest values for a two-sided 95 % distribution-free interval of a percentile, 2.5 % on either side:
the smallest n with q^n <= 0.025 (order statistics)."""
Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Distribution:
    """None stands for n/a: too few values. low and high bound the 95 % interval of a percentile."""

    n: int
    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    maximum: float | None = None
    p50_low: float | None = None
    p50_high: float | None = None
    p95_low: float | None = None
    p95_high: float | None = None

    def as_dict(self) -> dict[str, float | int | None]:
        return {
            key: round(value, 3) if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }


def distribution(values: Sequence[float] | NDArray[np.float64]) -> Distribution:
    """Mean, maximum and percentiles of the values, each only where there are enough of them."""
    array = np.sort(np.asarray(values, dtype=np.float64))
    n = int(array.size)
    if not n:
        return Distribution(0)
    p50_low, p50_high = interval(array, 50)
    p95_low, p95_high = interval(array, 95)
    return Distribution(
        n=n,
        mean=float(array.mean()),
        p50=percentile(array, 50),
        p90=percentile(array, 90),
        p95=percentile(array, 95),
        p99=percentile(array, 99),
        maximum=float(array[-1]),
        p50_low=p50_low,
        p50_high=p50_high,
        p95_low=p95_low,
        p95_high=p95_high,
    )


def percentile(ordered: NDArray[np.float64], q: int) -> float | None:
    """The q-th percentile of rising values (linear between neighbours), or None below MIN_N."""
    return float(np.percentile(ordered, q)) if ordered.size >= MIN_N[q] else None


def interval(ordered: NDArray[np.float64], q: int) -> tuple[float | None, float | None]:
    """The 95 % interval by order statistics (normal approximation of the binomial ranks).

    It takes the values as independent; neighbours in a run are not, so true intervals are wider.
    """
    n, share = int(ordered.size), q / 100
    if n < MIN_N[q]:
        return None, None
    spread = Z_95 * math.sqrt(n * share * (1 - share))
    low = max(0, math.floor(n * share - spread) - 1)
    high = min(n - 1, math.ceil(n * share + spread))
    return float(ordered[low]), float(ordered[high])


def min_n_for(q: int, confidence: float = 0.95) -> int:
    """The smallest n whose extremes enclose the q-th percentile with this two-sided confidence."""
    tail, share = (1 - confidence) / 2, max(q, 100 - q) / 100
    return math.ceil(math.log(tail) / math.log(share))
