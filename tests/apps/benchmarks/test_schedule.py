from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.benchmarks.domain.schedule import arrivals, open_schedule, ramp


def test_constant_arrivals_are_evenly_spaced() -> None:
    assert arrivals(2, 1.0, 2, "constant", seed=0) == [1.0, 1.5, 2.0, 2.5]


@given(
    st.floats(0.1, 50),
    st.integers(1, 60),
    st.sampled_from(["poisson", "constant"]),
    st.integers(0, 99),
)
def test_arrivals_are_exactly_as_many_as_asked(
    rate: float, seconds: int, kind: str, seed: int
) -> None:
    times = arrivals(rate, 5.0, seconds, kind, seed)  # type: ignore[arg-type]

    assert len(times) == round(rate * seconds)
    assert times == sorted(times)
    assert all(5.0 <= at < 5.0 + seconds for at in times)


def test_poisson_gaps_vary_as_exponential_ones_do() -> None:
    gaps = np.diff(arrivals(50, 0.0, 200, "poisson", seed=3))

    assert gaps.std() / gaps.mean() == pytest.approx(1.0, abs=0.05)


def test_open_schedule_fills_warm_up_and_window_each() -> None:
    times = open_schedule(10, 4, 20, "poisson", seed=1)

    assert sum(at < 4 for at in times) == 40
    assert sum(at >= 4 for at in times) == 200


def test_ramp_spreads_starts_over_the_warm_up() -> None:
    assert ramp(4, 10) == [0.0, 2.0, 4.0, 6.0]
    assert ramp(1, 0) == [0.0]
    assert max(ramp(256, 60)) < 10
