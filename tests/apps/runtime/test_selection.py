"""Hand-computed choices among passages."""

from __future__ import annotations

import numpy as np
import pytest

from apps.runtime.events import Passage
from apps.runtime.selection import candidates, diverse, fits


def passages(*scores: float) -> list[Passage]:
    return [
        Passage(f"c{place}", "d", "d.md", f"text {place}", score)
        for place, score in enumerate(scores)
    ]


def names(found: list[Passage]) -> list[str]:
    return [passage.chunk_id for passage in found]


TWINS = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
"""The first two say the same, the third something else."""


def test_no_diversity_keeps_the_order() -> None:
    assert names(diverse(passages(0.9, 0.8, 0.1), TWINS, 2, 0)) == ["c0", "c1"]


def test_diversity_passes_over_a_repeat() -> None:
    # relevance 1, 0.875, 0; after c0: c1 is 0.5*0.875 - 0.5*1, c2 is 0.5*0 - 0.5*0
    assert names(diverse(passages(0.9, 0.8, 0.1), TWINS, 2, 0.5)) == ["c0", "c2"]


def test_full_diversity_still_begins_with_the_best() -> None:
    assert names(diverse(passages(0.1, 0.2, 0.9), TWINS, 3, 1)) == ["c2", "c0", "c1"]


def test_equal_scores_are_all_relevant() -> None:
    assert names(diverse(passages(1, 1, 1), TWINS, 2, 0.5)) == ["c0", "c2"]


def test_nothing_found_and_nothing_wanted() -> None:
    assert diverse([], np.zeros((0, 2), np.float32), 3, 0.5) == []
    assert diverse(passages(1), TWINS[:1], 0, 0.5) == []


def test_more_candidates_only_where_they_are_needed() -> None:
    assert [candidates(k, d) for k, d in ((6, 0), (3, 0.5), (10, 0.5))] == [6, 20, 40]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("dense", [0.6, 0.3]), ("hybrid", [0.2, 0.7]), ("lexical", [1.0, 0.5])],
)
def test_fit_is_on_the_scale_of_its_mode(mode: str, expected: list[float]) -> None:
    cosines = np.array([0.2, 0.7], np.float32)

    found = fits(passages(0.6, 0.3), mode, cosines)  # type: ignore[arg-type]

    assert found.tolist() == pytest.approx(expected)


def test_fit_of_nothing() -> None:
    assert fits([], "lexical", None).tolist() == []
    assert fits(passages(0.0), "lexical", None).tolist() == [0.0]
