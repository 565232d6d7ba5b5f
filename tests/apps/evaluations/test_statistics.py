from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.evaluations.domain.statistics import (
    MEAN_MIN_N,
    Estimate,
    bootstrap_mean,
    paired_difference,
    share_mean,
    wilson,
)


def test_wilson_by_hand() -> None:
    # 8 of 10: Wilson 95 % interval 0.4902 … 0.9433 (Newcombe 1998, table I gives the method)
    estimate = wilson(8, 10)

    assert estimate.low == pytest.approx(0.4902, abs=1e-4)
    assert estimate.high == pytest.approx(0.9433, abs=1e-4)
    assert (estimate.value, estimate.n) == (0.8, 10)


def test_wilson_without_trials_is_not_available() -> None:
    assert wilson(0, 0) == Estimate(None, None, None, 0)
    with pytest.raises(ValueError, match="successes"):
        wilson(3, 2)


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_within_zero_and_one(trial: tuple[int, int]) -> None:
    estimate = wilson(*trial)

    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_bootstrap_is_repeatable_and_leaves_out_nan() -> None:
    values = [0.0, 1.0] * 20

    assert bootstrap_mean(values, seed=3) == bootstrap_mean([*values, math.nan], seed=3)
    # the standard error of this mean is 0.5 / sqrt(40) = 0.079
    estimate = bootstrap_mean(values, seed=3)
    assert estimate.value == 0.5
    assert estimate.low == pytest.approx(0.5 - 1.96 * 0.079, abs=0.03)
    assert estimate.high == pytest.approx(0.5 + 1.96 * 0.079, abs=0.03)


def test_bootstrap_below_the_minimum_has_no_interval() -> None:
    assert bootstrap_mean([0.5] * (MEAN_MIN_N - 1)) == Estimate(0.5, None, None, MEAN_MIN_N - 1)
    assert bootstrap_mean([math.nan]) == Estimate(None, None, None, 0)


@given(st.lists(st.floats(0, 1), min_size=MEAN_MIN_N, max_size=40), st.integers(0, 9))
def test_bootstrap_interval_holds_the_mean(values: list[float], seed: int) -> None:
    estimate = bootstrap_mean(values, seed, rounds=50)

    assert estimate.low <= estimate.value <= estimate.high


def test_share_mean_is_never_certain_of_all_hits_or_all_misses() -> None:
    assert share_mean([1.0] * 19) == wilson(19, 19)
    assert share_mean([0.0, math.nan] * 19) == wilson(0, 19)
    assert share_mean([1.0] * 3) == Estimate(1.0, None, None, 3)
    assert share_mean([0.5, 1.0] * 19) == bootstrap_mean([0.5, 1.0] * 19)


def test_paired_difference_is_second_minus_first_over_pairs() -> None:
    first, second = [0.0, 0.2, math.nan] * 4, [1.0, 0.2, 0.9] * 4

    estimate = paired_difference(first, second)

    assert (estimate.value, estimate.n) == (0.5, 8)
    with pytest.raises(ValueError, match="same questions"):
        paired_difference([1.0], [])
