from __future__ import annotations

import pytest

from apps.evaluations.domain.relevance import same_document, targets_found

PASSAGES = [
    ("hr/leave.md", "Thirty days of annual leave."),
    ("hr/refunds.md", "Goods may be returned within 14 days."),
]


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("hr/policies/refunds.md", True),
        ("refunds.md", True),
        ("Policies\\Refunds.md", True),
        ("refunds", True),
        ("policies/refunds", True),
        ("funds.md", False),
        ("refunds.pdf", False),
        ("policies", False),
    ],
)
def test_same_document(name: str, same: bool) -> None:
    assert same_document("hr/policies/refunds.md", name) is same


def test_documents_are_the_targets_without_evidence() -> None:
    found, count = targets_found(PASSAGES, ["refunds.md", "missing.md", "Refunds.md"], [])

    assert (found, count) == ([frozenset(), frozenset({0})], 2)


def test_evidence_is_found_by_its_words_in_any_order() -> None:
    found, count = targets_found(PASSAGES, [], ["14 DAYS, returned!", "annual"])

    assert (found, count) == ([frozenset({1}), frozenset({0})], 2)


def test_evidence_counts_in_the_named_documents_only() -> None:
    found, count = targets_found(PASSAGES, ["leave"], ["days"])

    assert (found, count) == ([frozenset({0}), frozenset()], 1)


def test_neither_gives_no_targets() -> None:
    assert targets_found(PASSAGES, [], ["…"]) == ([frozenset(), frozenset()], 0)
