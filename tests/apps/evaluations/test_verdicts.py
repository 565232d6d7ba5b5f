from __future__ import annotations

import pytest

from apps.evaluations.domain.scoring import Item, failed_metrics, score
from apps.evaluations.domain.verdicts import Verdict, is_abstention
from apps.runtime.extractive import NOTHING_FOUND

PASSAGES = [
    ("leave.md", "Employees have thirty days of annual leave."),
    ("refunds.md", "Goods may be returned within 14 days of delivery with the receipt."),
]
ITEM = Item("How long can goods be returned?", ["within 14 days"], ["refunds.md"])


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("Within 14 days! [2]", Verdict.CORRECT),
        ("Goods may be returned within 14 days of delivery. [2]", Verdict.CORRECT),
        ("14 days after delivery with the receipt", Verdict.PARTIAL),
        ("Employees have annual leave", Verdict.WRONG),
        ("Ask our friendly support staff on weekday mornings", Verdict.UNSUPPORTED),
        ("Goods may be returned within 30 days of delivery", Verdict.UNSUPPORTED),
        ("", Verdict.ABSTAINED),
        ("I don't know.", Verdict.ABSTAINED),
        ("The documents do not mention it.", Verdict.ABSTAINED),
    ],
)
def test_judge(answer: str, verdict: Verdict) -> None:
    assert score(ITEM, answer, PASSAGES, k=6).verdict is verdict


def test_score_without_reference_is_unjudged_unless_unsupported() -> None:
    item = Item("How long?")

    assert score(item, "Within 14 days", PASSAGES, 6).verdict is Verdict.UNJUDGED
    assert score(item, "Ask support staff", PASSAGES, 6).verdict is Verdict.UNSUPPORTED


@pytest.mark.parametrize("reference", ["not stated", "The documents do not say.", "N/A"])
def test_abstaining_is_right_where_there_is_no_answer(reference: str) -> None:
    item = Item("What is the revenue?", [reference])

    result = score(item, NOTHING_FOUND, PASSAGES, k=6)

    assert (result.verdict, result.metrics["token-f1"]) == (Verdict.CORRECT, 1.0)
    assert score(item, "14 days", PASSAGES, k=6).metrics["correct"] == 0


def test_score_holds_every_metric() -> None:
    result = score(ITEM, "Within 14 days [2]", PASSAGES, k=6)

    assert result.metrics == {
        "correct": 1.0,
        "exact-match": 1.0,
        "token-f1": 1.0,
        "rouge-l": 1.0,
        "recall-at-k": 1.0,
        "mrr": 0.5,
        "groundedness": 1.0,
    }
    assert result.right_passages == (1,)


def test_score_without_targets_has_no_retrieval_metrics() -> None:
    result = score(Item("How?", ["x"]), "x", PASSAGES, k=6)

    assert result.metrics["recall-at-k"] is None
    assert result.metrics["mrr"] is None


def test_failed_metrics_count_as_a_miss_where_a_value_was_due() -> None:
    assert failed_metrics(Item("q", ["r"]))["token-f1"] == 0
    assert failed_metrics(Item("q", ["r"]))["mrr"] is None
    assert failed_metrics(Item("q", [], ["d"]))["mrr"] == 0
    assert failed_metrics(Item("q", [], ["d"]))["correct"] is None


@pytest.mark.parametrize(
    ("answer", "abstains"),
    [
        ("I could not find an answer in the documents.", True),
        ("No information about this was found.", True),
        ("The handbook says nothing else.", False),
        ("I'm sorry, I can't help with that.", True),
        ("Nothing in the documents answers this.", True),
        (NOTHING_FOUND, True),
        ("You do not know the PIN until HR sends it.", False),
        ("There is no relevant deadline for sick leave.", False),
        ("word " * 80 + "I don't know more.", False),
    ],
)
def test_is_abstention(answer: str, abstains: bool) -> None:
    assert is_abstention(answer) is abstains
