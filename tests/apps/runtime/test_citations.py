"""Marks of an answer and the words behind them."""

from __future__ import annotations

from apps.runtime.citations import citations_of
from tests.apps.runtime.graphs import PASSAGES


def numbers(text: str) -> list[int]:
    return [citation.number for citation in citations_of(text, PASSAGES)]


def test_marks_are_read_once_in_order_of_mention() -> None:
    assert numbers("Two weeks [2]. Thirty days [1], as said [2].") == [2, 1]


def test_marks_in_one_bracket_are_read() -> None:
    assert numbers("Both [1, 2].") == [1, 2]


def test_unknown_numbers_are_dropped() -> None:
    assert numbers("Maybe [0] or [3] or [99].") == []


def test_code_and_links_hold_no_marks() -> None:
    assert numbers("Use `rows[1]` or\n```\nrows[2]\n```\nor [1](https://example.org).") == []


def test_the_nearest_sentence_is_the_quote() -> None:
    (citation,) = citations_of("They pay invoices in two weeks [2].", PASSAGES)

    assert citation.quote == "Invoices are paid within two weeks."
    assert PASSAGES[1].text[citation.quote_start : citation.quote_end] == citation.quote


def test_a_statement_far_from_the_passage_has_no_quote() -> None:
    (citation,) = citations_of("Bananas are yellow [2].", PASSAGES)

    assert (citation.quote, citation.quote_start, citation.quote_end) == ("", 0, 0)
