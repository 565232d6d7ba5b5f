from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.evaluations.domain.grounding import grounding, quoted_share

PASSAGE = (
    "Goods may be returned within 14 days of delivery. Anna Weber signs refunds over 1,000 euros."
)


def test_a_quotation_is_fully_grounded() -> None:
    result = grounding("Goods may be returned within 14 days of delivery. [1]", [PASSAGE])

    assert (result.score, result.quoted, result.unsupported) == (1.0, 1.0, ())


def test_score_is_the_share_of_content_words_in_the_passages() -> None:
    # content words: customers, return, goods, 14, days -> goods, 14, days are there
    result = grounding("Customers can return the goods in 14 days.", [PASSAGE])

    assert result.score == pytest.approx(3 / 5)
    assert result.quoted == 0.0


def test_figures_and_names_absent_from_passages_and_question_are_flagged() -> None:
    result = grounding(
        "Refunds over 1000 euros go to Bob within 30 days, says HR.", [PASSAGE], "What about HR?"
    )

    assert result.unsupported == ("30", "Bob")


def test_list_numbers_and_citations_are_no_figures() -> None:
    assert grounding("1. Goods [2]\n2. delivery [7]", [PASSAGE]).unsupported == ()


@pytest.mark.parametrize(
    ("written", "found"), [("1000", True), ("1,000.0", True), ("1.000", False), ("100", False)]
)
def test_figures_are_compared_by_value(written: str, found: bool) -> None:
    assert (grounding(f"refunds over {written} euros", [PASSAGE]).unsupported == ()) is found


@pytest.mark.parametrize(
    ("answer", "passages"), [("", [PASSAGE]), ("Goods", []), ("the of", ["x"])]
)
def test_nothing_to_compare_is_not_a_number(answer: str, passages: list[str]) -> None:
    assert math.isnan(grounding(answer, passages).score)


def test_quoted_share_counts_runs_of_four_words() -> None:
    passage = ["one", "two", "three", "four", "five", "six"]

    assert quoted_share(["one", "two", "three", "nine"], [passage]) == 0
    assert quoted_share(["zero", "two", "three", "four", "five"], [passage]) == pytest.approx(4 / 5)
    assert quoted_share(["one", "two", "three", "four"], [["one", "two"], ["three", "four"]]) == 0


@given(st.text(max_size=100), st.lists(st.text(max_size=100), max_size=3))
def test_grounding_holds_its_bounds_on_any_text(answer: str, passages: list[str]) -> None:
    result = grounding(answer, passages)

    assert math.isnan(result.score) or 0 <= result.score <= 1
    assert math.isnan(result.quoted) or 0 <= result.quoted <= 1


@given(st.text(alphabet=st.characters(categories=["L", "N", "Z", "P"]), min_size=1, max_size=80))
def test_an_answer_that_is_the_passage_is_grounded(text: str) -> None:
    result = grounding(text, [text])

    assert math.isnan(result.score) or result.score == 1
