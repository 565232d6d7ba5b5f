"""Scores one answer with every metric at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apps.evaluations.domain import metrics
from apps.evaluations.domain.grounding import grounding
from apps.evaluations.domain.relevance import targets_found
from apps.evaluations.domain.tokens import strip_citations
from apps.evaluations.domain.verdicts import Verdict, expects_abstention, is_abstention, judge


@dataclass(frozen=True, slots=True)
class Item:
    """A question with what its dataset says about a right answer."""

    text: str
    references: Sequence[str] = ()
    relevant: Sequence[str] = ()
    evidence: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """metrics       metric id -> value; None is n/a
    right_passages  positions of the passages, from 0, that hold a target
    quoted          share of the answer that is quoted word for word; None is n/a
    """

    metrics: dict[str, float | None]
    verdict: Verdict
    reason: str
    right_passages: tuple[int, ...] = ()
    unsupported: tuple[str, ...] = ()
    quoted: float | None = None
    reference_recall: float | None = None


def score(item: Item, answer: str, passages: Sequence[tuple[str, str]], k: int) -> Score:
    """Score an answer; passages are (document name, text), best first."""
    text = strip_citations(answer)
    found, target_count = targets_found(passages, item.relevant, item.evidence)
    support = grounding(answer, [passage for _, passage in passages], item.text)
    exact = metrics.exact_match(text, item.references)
    f1 = metrics.token_f1(text, item.references)
    recall = metrics.reference_recall(text, item.references)
    rouge = metrics.rouge_l(text, item.references)
    abstained = is_abstention(answer)
    if abstained and expects_abstention(item.references):
        exact = f1 = rouge = 1.0
    verdict, reason = judge(
        answer=answer,
        references=item.references,
        exact=exact,
        f1=f1,
        recall=recall,
        holds_reference=metrics.contains_reference(text, item.references),
        grounding=support,
    )
    judged = bool(item.references)
    values = {
        "correct": float(verdict is Verdict.CORRECT) if judged else math.nan,
        "exact-match": exact,
        "token-f1": f1,
        "rouge-l": rouge,
        "recall-at-k": metrics.recall_at_k(found, target_count, k),
        "mrr": metrics.reciprocal_rank(found[:k], target_count),
        "groundedness": math.nan if abstained else support.score,
    }
    return Score(
        metrics={name: _or_none(value) for name, value in values.items()},
        verdict=verdict,
        reason=reason,
        right_passages=tuple(index for index, targets in enumerate(found) if targets),
        unsupported=() if abstained else support.unsupported,
        quoted=_or_none(support.quoted),
        reference_recall=_or_none(recall),
    )


def failed_metrics(item: Item) -> dict[str, float | None]:
    """What a question counts that the application failed on: a miss wherever it could have scored."""
    answered = 0.0 if item.references else None
    retrieved = 0.0 if item.relevant or item.evidence else None
    return {
        "correct": answered,
        "exact-match": answered,
        "token-f1": answered,
        "rouge-l": answered,
        "recall-at-k": retrieved,
        "mrr": retrieved,
        "groundedness": None,
    }


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
