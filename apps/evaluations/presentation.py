"""What the pages show of runs: figures, charts, marked answers. Reads rows, writes none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.evaluations.domain.catalogue import BY_ID, HEADLINES
from apps.evaluations.domain.gates import GateResult, check_gates
from apps.evaluations.domain.statistics import MEAN_MIN_N, Estimate, paired_difference
from apps.evaluations.enums import VERDICT_LOOKS, VerdictChoice
from apps.evaluations.models import EvalRun, Sample
from apps.projects.queries import collections_of, spec_of
from apps.ui.charts import BarChart

BINS = 10
_MARK = re.compile(r"(\[\d{1,3}\])")


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of a run as text. x, low_x, high_x: places of the interval bar, 0 to 100."""

    id: str
    label: str
    meaning: str
    text: str
    interval: str
    n: int
    note: str = ""
    x: float = 0.0
    low_x: float = 0.0
    width_x: float = 0.0
    has_interval: bool = False

    @property
    def measured(self) -> bool:
        return self.text != "n/a"


@dataclass(frozen=True, slots=True)
class Difference:
    """direction: better, worse or unclear; unclear where the interval holds 0 or is n/a."""

    label: str
    first: str
    second: str
    text: str
    interval: str
    n: int
    direction: str


@dataclass(frozen=True, slots=True)
class Change:
    """One question that two runs answered differently."""

    ordinal: int
    question: str
    first_verdict: str
    second_verdict: str
    first_look: str
    second_look: str
    difference: float


def figures(run: EvalRun, names: Sequence[str] | None = None) -> list[Figure]:
    """The run's metrics in the order of its report, or only the named ones."""
    return [_figure(name, run) for name in names or run.metrics if name in BY_ID]


def headline(run: EvalRun) -> list[Figure]:
    return figures(run, HEADLINES)


def gates(run: EvalRun) -> list[GateResult]:
    """The version's gates, held against this run."""
    return check_gates(spec_of(run.version).spec.evaluation.gates, run.summary)


def label_of(metric_id: str, k: int) -> str:
    return f"Recall@{k}" if metric_id == "recall-at-k" else BY_ID[metric_id].label


def changed_collections(run: EvalRun) -> list[str]:
    """Titles of the collections that have changed since the run."""
    now = {row.name: row.revision for row in collections_of(run.version)}
    return [row["title"] for row in run.collections if now.get(row["name"]) != row["revision"]]


def verdict_chart(run: EvalRun) -> BarChart:
    counts: Mapping[str, int] = run.summary.get("verdicts", {})
    shown = [choice for choice in VerdictChoice if counts.get(choice)]
    return BarChart(
        "Verdicts",
        "Verdict",
        "Questions",
        [str(choice.label) for choice in shown],
        [("Questions", [counts[choice] for choice in shown])],
    )


def distribution_chart(run: EvalRun, metric_id: str) -> BarChart:
    """How often a metric took which value."""
    rows = run.samples.values_list(f"metrics__{metric_id}", flat=True)
    values = [value for value in rows if value is not None]
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, int(value * BINS))] += 1
    labels = [f"{index / BINS:.1f}–{(index + 1) / BINS:.1f}" for index in range(BINS)]
    label = label_of(metric_id, run.k)
    return BarChart(f"{label} per question", label, "Questions", labels, [("Questions", counts)])


def verdict_filters(run: EvalRun) -> list[tuple[str, str]]:
    """(verdict, label) of every verdict; with its count once the run is over and counts stand still."""
    counts: Mapping[str, int] = run.summary.get("verdicts", {})
    over = not (run.job and run.job.is_active)
    return [
        (
            choice.value,
            f"{choice.label} ({counts.get(choice.value, 0)})" if over else str(choice.label),
        )
        for choice in VerdictChoice
    ]


def marked_answer(sample: Sample) -> list[tuple[str, str]]:
    """The answer in pieces: (text, "" or the number of the citation that the piece is)."""
    known = {f"[{item['number']}]": str(item["number"]) for item in sample.citations}
    return [(piece, known.get(piece, "")) for piece in _MARK.split(sample.answer) if piece]


def shown_passages(sample: Sample) -> list[dict[str, Any]]:
    """The retrieved passages with the numbers under which the answer cites them and the quoted words marked."""
    cited: dict[str, list[dict[str, Any]]] = {}
    for citation in sample.citations:
        cited.setdefault(citation["chunk_id"], []).append(citation)
    return [
        passage
        | {
            "rank": rank,
            "numbers": [item["number"] for item in cited.get(passage["chunk_id"], [])],
            "pieces": _quoted(
                passage["text"], [item["quote"] for item in cited.get(passage["chunk_id"], [])]
            ),
        }
        for rank, passage in enumerate(sample.passages, start=1)
    ]


def metric_values(sample: Sample, run: EvalRun) -> list[tuple[str, str, str]]:
    """(label, value, meaning) of one sample's metrics."""
    return [
        (label_of(name, run.k), _number(sample.metrics.get(name)), BY_ID[name].meaning)
        for name in run.metrics
        if name in BY_ID
    ]


def differences(first: EvalRun, second: EvalRun) -> list[Difference]:
    """Per metric both runs have: second minus first over the questions they share."""
    pairs = _pairs(first, second)
    return [
        _difference(
            name,
            first,
            second,
            [(one.metrics.get(name), two.metrics.get(name)) for one, two in pairs],
        )
        for name in first.metrics
        if name in second.metrics and name in BY_ID
    ]


def changes(
    first: EvalRun, second: EvalRun, metric_id: str = "token-f1"
) -> tuple[list[Change], list[Change]]:
    """The questions that got better and those that got worse, by a metric, largest change first."""
    found = [
        Change(
            one.ordinal,
            one.question.text,
            one.get_verdict_display(),
            two.get_verdict_display(),
            one.look,
            two.look,
            (two.metrics.get(metric_id) or 0.0) - (one.metrics.get(metric_id) or 0.0),
        )
        for one, two in _pairs(first, second)
    ]
    better = sorted((row for row in found if row.difference > 0), key=lambda row: -row.difference)
    worse = sorted((row for row in found if row.difference < 0), key=lambda row: row.difference)
    return better, worse


def verdict_look(verdict: str) -> str:
    return VERDICT_LOOKS[verdict]


def _figure(name: str, run: EvalRun) -> Figure:
    metric = BY_ID[name]
    label = label_of(name, run.k)
    estimate = run.summary.get(name, {})
    value, low, high = (estimate.get(key) for key in ("value", "low", "high"))
    n = estimate.get("n", 0)
    if value is None:
        return Figure(name, label, metric.meaning, "n/a", "", n, _why_missing(metric.group, run))
    if low is None or high is None:
        note = f"Interval n/a: fewer than {MEAN_MIN_N} questions"
        return Figure(name, label, metric.meaning, f"{value:.2f}", "", n, note, x=value * 100)
    return Figure(
        name,
        label,
        metric.meaning,
        f"{value:.2f}",
        f"{low:.2f} to {high:.2f}",
        n,
        x=round(value * 100, 1),
        low_x=round(low * 100, 1),
        width_x=round(max(high - low, 0.005) * 100, 1),
        has_interval=True,
    )


def _why_missing(group: str, run: EvalRun) -> str:
    if not run.summary.get("samples"):
        return "No answer yet"
    return {
        "answer": "The dataset has no reference answers",
        "retrieval": "The dataset names no relevant documents or evidence",
        "support": "No passages were retrieved",
    }[group]


def _difference(
    name: str, first: EvalRun, second: EvalRun, pairs: Sequence[tuple[float | None, float | None]]
) -> Difference:
    known = [(one, two) for one, two in pairs if one is not None and two is not None]
    estimate = paired_difference([one for one, _ in known], [two for _, two in known], first.seed)
    return Difference(
        label=label_of(name, second.k),
        first=_mean([one for one, _ in known]),
        second=_mean([two for _, two in known]),
        text="n/a" if estimate.value is None else f"{estimate.value:+.2f}",
        interval="n/a" if estimate.low is None else f"{estimate.low:+.2f} to {estimate.high:+.2f}",
        n=estimate.n,
        direction=_direction(estimate),
    )


def _direction(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return "unclear"
    if estimate.low > 0:
        return "better"
    return "worse" if estimate.high < 0 else "unclear"


def _pairs(first: EvalRun, second: EvalRun) -> list[tuple[Sample, Sample]]:
    ones = {
        row.ordinal: row
        for row in first.samples.select_related("question").defer("passages", "citations")
    }
    twos = second.samples.defer("passages", "citations").order_by("ordinal")
    return [(ones[row.ordinal], row) for row in twos if row.ordinal in ones]


def _quoted(text: str, quotes: Sequence[str]) -> list[tuple[str, bool]]:
    """The text in pieces, those marked that an answer quotes."""
    spans = sorted(
        (start, start + len(quote))
        for quote in quotes
        if quote and (start := text.find(quote)) >= 0
    )
    pieces, position = [], 0
    for start, end in spans:
        if start < position:
            continue
        pieces += [(text[position:start], False), (text[start:end], True)]
        position = end
    pieces.append((text[position:], False))
    return [piece for piece in pieces if piece[0]]


def _mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.2f}" if values else "n/a"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"
