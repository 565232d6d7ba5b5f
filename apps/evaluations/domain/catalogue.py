"""The metrics an evaluation reports: id, name, how they are summed up, what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from apps.evaluations.domain.statistics import Estimate, share_mean, wilson


@dataclass(frozen=True, slots=True)
class Metric:
    """kind: binary values get a Wilson interval, others a bootstrap interval."""

    id: str
    label: str
    kind: Literal["binary", "mean"]
    group: Literal["answer", "retrieval", "support"]
    meaning: str


METRICS = (
    Metric(
        "correct",
        "Correct",
        "binary",
        "answer",
        "Answers judged correct, of those with a reference.",
    ),
    Metric(
        "exact-match",
        "Exact match",
        "binary",
        "answer",
        "Answers equal to a reference, apart from case, punctuation and articles (SQuAD).",
    ),
    Metric(
        "token-f1",
        "Token F1",
        "mean",
        "answer",
        "Overlap of words with the nearest reference: precision and recall in one (SQuAD).",
    ),
    Metric(
        "rouge-l",
        "ROUGE-L",
        "mean",
        "answer",
        "Longest common sequence of words with the nearest reference, F-measure (Lin 2004).",
    ),
    Metric(
        "recall-at-k",
        "Recall@k",
        "mean",
        "retrieval",
        "Share of the right documents or evidence found among the first k passages.",
    ),
    Metric("mrr", "MRR", "mean", "retrieval", "Mean of 1 / rank of the first right passage."),
    Metric(
        "groundedness",
        "Groundedness",
        "mean",
        "support",
        "Share of the answer's content words that stand in the retrieved passages (K-Precision, Adlakha et al. 2024).",
    ),
)
BY_ID = {metric.id: metric for metric in METRICS}
METRIC_IDS = tuple(BY_ID)
HEADLINES = ("correct", "token-f1", "recall-at-k", "groundedness")

_ALIASES = {
    "accuracy": "correct",
    "em": "exact-match",
    "f1": "token-f1",
    "recall": "recall-at-k",
    "faithfulness": "groundedness",
}


def metric_id(name: str) -> str | None:
    """The metric that a gate's or a caller's name means: "recall@6", "token_f1" and "F1" are known."""
    plain = name.strip().lower().replace("_", "-").partition("@")[0].removesuffix("-at-k")
    plain = _ALIASES.get(plain, plain)
    return plain if plain in BY_ID else None


def summarise(
    samples: Sequence[Mapping[str, float | None]], metrics: Sequence[str], seed: int = 0
) -> dict[str, Estimate]:
    """Metric id -> estimate over the samples where it is not n/a."""
    return {
        name: _estimate(
            BY_ID[name],
            [value for sample in samples if (value := sample.get(name)) is not None],
            seed,
        )
        for name in metrics
    }


def _estimate(metric: Metric, values: list[float], seed: int) -> Estimate:
    if metric.kind == "binary":
        return wilson(sum(value == 1 for value in values), len(values))
    return share_mean(values, seed)
