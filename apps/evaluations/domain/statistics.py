"""Intervals for what a finite dataset can say. Everything is seeded and repeatable."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

ROUNDS = 1_000
"""Bootstrap resamples; the ends of a 95 % interval then move by less than a tenth of its width."""
MEAN_MIN_N = 8
"""Fewest samples for a bootstrap interval; below, resampling a handful of values understates doubt."""
Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval. None stands for n/a: no samples, or too few for an interval."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    def as_dict(self) -> dict[str, float | int | None]:
        return asdict(self)


def wilson(successes: int, n: int, z: float = Z_95) -> Estimate:
    """A share and its Wilson score interval (Wilson 1927): sound for small n and near 0 and 1.

    Raises ValueError unless 0 <= successes <= n.
    """
    if not 0 <= successes <= n:
        raise ValueError("successes must lie between 0 and n")
    if n == 0:
        return Estimate(None, None, None, 0)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Estimate(share, low, high, n)


def bootstrap_mean(values: Sequence[float], seed: int = 0, rounds: int = ROUNDS) -> Estimate:
    """The mean and its 95 % percentile bootstrap interval (Efron 1979). NaN values are left out."""
    array = np.asarray(values, dtype=np.float64)
    array = array[~np.isnan(array)]
    n = int(array.size)
    if not n:
        return Estimate(None, None, None, 0)
    value = float(array.mean())
    if n < MEAN_MIN_N:
        return Estimate(value, None, None, n)
    draw = np.random.default_rng(seed)
    means = np.array([array[draw.integers(0, n, n)].mean() for _ in range(rounds)])
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(value, min(float(low), value), max(float(high), value), n)


def share_mean(values: Sequence[float], seed: int = 0, rounds: int = ROUNDS) -> Estimate:
    """`bootstrap_mean` of values in [0, 1]. Where all are 0 or all are 1, resampling would pretend to be
    certain: the interval is then Wilson's for n misses or n hits."""
    known = [value for value in values if not math.isnan(value)]
    if len(known) >= MEAN_MIN_N and set(known) in ({0.0}, {1.0}):
        return wilson(int(sum(known)), len(known))
    return bootstrap_mean(known, seed, rounds)


def paired_difference(
    first: Sequence[float], second: Sequence[float], seed: int = 0, rounds: int = ROUNDS
) -> Estimate:
    """Mean of second - first over the same questions, with its paired bootstrap interval.

    Pairs with a NaN on either side are left out. Raises ValueError if the lengths differ.
    """
    if len(first) != len(second):
        raise ValueError("a paired comparison needs the same questions on both sides")
    gaps = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    return bootstrap_mean(gaps.tolist(), seed, rounds)


def median(values: Sequence[float]) -> float | None:
    array = np.asarray([value for value in values if not math.isnan(value)], dtype=np.float64)
    return float(np.median(array)) if array.size else None
