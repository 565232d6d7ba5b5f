"""Answer and retrieval metrics, per question. Pure; aggregation and intervals are in `statistics`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from apps.evaluations.domain.tokens import contains, rouge_tokens, squad_tokens


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1 if the answer equals any reference after SQuAD normalisation, else 0.

    Rajpurkar et al. 2016 (SQuAD). NaN without references.
    """
    if not references:
        return math.nan
    words = squad_tokens(answer)
    return float(any(words == squad_tokens(reference) for reference in references))


def token_f1(answer: str, references: Sequence[str]) -> float:
    """Harmonic mean of word precision and recall; the best over the references.

    Rajpurkar et al. 2016 (SQuAD), counted with multiplicity. Where the answer or a reference has
    no words left after normalisation, it is 1 if both are empty, else 0 (SQuAD 2.0). NaN without
    references.
    """
    if not references:
        return math.nan
    words = squad_tokens(answer)
    return max(_f1(words, squad_tokens(reference)) for reference in references)


def reference_recall(answer: str, references: Sequence[str]) -> float:
    """Share of a reference's words that the answer has; the best over the references.

    The measure of correctness that agrees best with people on long answers (Adlakha et al. 2024,
    "Evaluating Correctness and Faithfulness of Instruction-Following Models for QA", TACL 12).
    NaN without references; 0 for a reference without words.
    """
    if not references:
        return math.nan
    words = Counter(squad_tokens(answer))
    return max(_recall(words, Counter(squad_tokens(reference))) for reference in references)


def contains_reference(answer: str, references: Sequence[str]) -> bool:
    """Whether any reference stands in the answer word for word, after SQuAD normalisation."""
    words = squad_tokens(answer)
    return any(contains(words, squad_tokens(reference)) for reference in references)


def rouge_l(answer: str, references: Sequence[str]) -> float:
    """ROUGE-L F-measure over the longest common subsequence; the best over the references.

    Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", section 3.1 with beta = 1
    and no stemming: equal to rouge-score's `rougeL` on English. NaN without references.
    """
    if not references:
        return math.nan
    words = rouge_tokens(answer)
    return max(_rouge_l(words, rouge_tokens(reference)) for reference in references)


def lcs_length(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest common subsequence, bit-parallel (Hyyrö 2004): one big integer per word."""
    places: dict[str, int] = {}
    for index, word in enumerate(left):
        places[word] = places.get(word, 0) | (1 << index)
    full = (1 << len(left)) - 1
    row = full
    for word in right:
        matched = row & places.get(word, 0)
        row = ((row + matched) | (row - matched)) & full
    return len(left) - row.bit_count()


def recall_at_k(found: Sequence[frozenset[int]], target_count: int, k: int) -> float:
    """Share of the targets found among the first k passages.

    found         per passage, best first, the targets (0 … target_count - 1) that it holds
    Returns NaN if there is no target. Raises ValueError if k < 1.
    """
    if k < 1:
        raise ValueError("k must be at least 1")
    if not target_count:
        return math.nan
    return len(frozenset().union(*found[:k])) / target_count


def reciprocal_rank(found: Sequence[frozenset[int]], target_count: int) -> float:
    """1 / rank of the first passage that holds any target, 0 if none does; NaN without targets.

    Its mean over the questions is the mean reciprocal rank (Voorhees 1999, TREC-8 QA track).
    """
    if not target_count:
        return math.nan
    ranks = (rank for rank, targets in enumerate(found, start=1) if targets)
    return 1 / rank if (rank := next(ranks, 0)) else 0.0


def _f1(words: list[str], reference: list[str]) -> float:
    if not words or not reference:
        return float(words == reference)
    common = (Counter(words) & Counter(reference)).total()
    return 2 * common / (len(words) + len(reference))


def _recall(words: Counter[str], reference: Counter[str]) -> float:
    return (words & reference).total() / reference.total() if reference else 0.0


def _rouge_l(words: list[str], reference: list[str]) -> float:
    total = len(words) + len(reference)
    return 2 * lcs_length(words, reference) / total if words and reference else 0.0
