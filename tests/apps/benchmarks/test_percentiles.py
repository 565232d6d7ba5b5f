from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.benchmarks.domain.percentiles import MIN_N, distribution, min_n_for


def test_minimal_n_is_where_order_statistics_can_bound_a_percentile() -> None:
    assert {q: min_n_for(q) for q in MIN_N} == MIN_N == {50: 6, 90: 36, 95: 72, 99: 368}


@pytest.mark.parametrize(("q", "n"), MIN_N.items())
def test_a_percentile_below_its_minimal_n_is_not_available(q: int, n: int) -> None:
    values = list(range(n))

    assert getattr(distribution(values[: n - 1]), f"p{q}") is None
    assert getattr(distribution(values), f"p{q}") == pytest.approx(np.percentile(values, q))


def test_distribution_of_nothing() -> None:
    assert distribution([]).as_dict()["n"] == 0
    assert distribution([]).mean is None


def test_interval_of_the_median_by_hand() -> None:
    # n 100: ranks 50 -+ 1.96 * 5 = 40.2 and 59.8, so the 40th and the 61st of 0 … 99
    result = distribution(list(range(100)))

    assert (result.p50_low, result.p50_high) == (39, 60)


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=500))
def test_distribution_is_ordered(values: list[float]) -> None:
    result = distribution(values)
    known = [
        one
        for one in (result.p50, result.p90, result.p95, result.p99, result.maximum)
        if one is not None
    ]

    assert known == sorted(known)
    for low, middle, high in (
        (result.p50_low, result.p50, result.p50_high),
        (result.p95_low, result.p95, result.p95_high),
    ):
        assert middle is None or low <= middle <= high
