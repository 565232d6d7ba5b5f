"""What the pages show of load runs: cards, charts, tables. Reads rows, writes none."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from apps.benchmarks.domain.aggregate import histogram
from apps.benchmarks.domain.machine import SYSTEM
from apps.benchmarks.domain.percentiles import MIN_N
from apps.benchmarks.domain.profile import Profile
from apps.benchmarks.models import BenchRun
from apps.benchmarks.queries import resources_of
from apps.ui.charts import BarChart, LineChart, Series

TIME = "Time from the start (s)"
LATENCIES = (
    ("ttft_ms", "Time to first token"),
    ("ttft_sent_ms", "Time to first token, from sending"),
    ("itl_ms", "Inter-token latency, all gaps"),
    ("itl_mean_ms", "Inter-token latency, mean per request"),
    ("e2e_ms", "Whole answer"),
)
HEADLINES = (
    ("ttft_ms", "p50", "TTFT p50", "ms"),
    ("ttft_ms", "p95", "TTFT p95", "ms"),
    ("itl_ms", "p50", "ITL p50", "ms"),
    ("itl_ms", "p95", "ITL p95", "ms"),
)


@dataclass(frozen=True, slots=True)
class Card:
    label: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class LatencyRow:
    label: str
    n: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """direction: better or worse where the two intervals do not overlap, else unclear."""

    label: str
    first: str
    second: str
    change: str
    direction: str


def profile_of(run: BenchRun) -> Profile:
    return Profile.model_validate(run.profile)


def cards(run: BenchRun) -> list[Card]:
    """The headline figures."""
    summary = run.summary
    if not summary:
        return []
    requests = summary["requests"]
    found = [
        Card(label, _ms(summary[name][key]), _interval(name, summary[name], key))
        for name, key, label, _ in HEADLINES
    ]
    found += [
        Card("Tokens/s", _number(summary["tokens_per_s"]), f"counted by {summary['tokens_by']}"),
        Card("Requests/s", _number(summary["requests_per_s"]), f"{requests['ok']} complete"),
        Card(
            "Failed",
            str(requests["failed"] + requests["truncated"]),
            f"of {requests['total']} requests",
        ),
    ]
    if goodput := summary["goodput"]:
        found.append(_goodput_card(goodput))
    return found


def cells(run: BenchRun) -> list[Card]:
    """The cards that a row of the list has room for."""
    found = {card.label: card for card in cards(run)}
    shown = ("TTFT p50", "TTFT p95", "ITL p95", "Tokens/s", "Requests/s", "Failed")
    return [found[label] for label in shown if label in found]


def latency_rows(run: BenchRun) -> list[LatencyRow]:
    """Percentiles per kind of latency; n/a where there are too few values."""
    keys = ("mean", "p50", "p90", "p95", "p99", "maximum")
    return [
        LatencyRow(label, row["n"], tuple(_ms(row[key]) for key in keys))
        for name, label in LATENCIES
        if (row := run.summary.get(name))
    ]


def charts(run: BenchRun) -> list[LineChart]:
    """Everything over time, from the start of the warm-up."""
    series = run.series
    if not series:
        return []
    t_s = series["t_s"]

    def lines(*pairs: tuple[str, str]) -> list[Series]:
        return [Series(name, list(zip(t_s, series[key], strict=True))) for key, name in pairs]

    return [
        LineChart("Time to first token", TIME, "TTFT (ms)", lines(("ttft_p50_ms", "Median"), ("ttft_max_ms", "Slowest"))),
        LineChart("Inter-token latency", TIME, "ITL (ms)", lines(("itl_p50_ms", "Median"), ("itl_max_ms", "Slowest"))),
        LineChart("Tokens", TIME, "Tokens/s", lines(("tokens_per_s", "Tokens/s"))),
        LineChart("Requests", TIME, "Requests/s", lines(("requests_per_s", "Completed"), ("failures_per_s", "Failed"))),
        LineChart("Requests in flight", TIME, "Requests", lines(("in_flight", "In flight"))),
        *_resource_charts(run),
    ]  # fmt: skip


def distribution_charts(run: BenchRun) -> list[BarChart]:
    """How often which latency occurred in the window; from the records of a finished run."""
    records = [record for record in records_of(run) if record["status"] in {"ok", "cancelled"}]
    start = run.summary.get("window", {}).get("start_s", 0.0)
    inside = [record for record in records if record["intended_s"] >= start]
    origin = "intended_s" if run.profile.get("mode") == "open" else "start_s"
    ttft = [
        (record["start_s"] - record[origin]) * 1e3 + record["token_us"][0] / 1e3
        for record in inside
        if record["token_us"]
    ]
    e2e = [
        (record["end_s"] - record[origin]) * 1e3 for record in inside if record["status"] == "ok"
    ]
    return [
        _histogram("Distribution of time to first token", "TTFT (ms)", ttft),
        _histogram("Distribution of whole answers", "Time (ms)", e2e),
    ]


def records_of(run: BenchRun) -> list[dict[str, Any]]:
    """The stored requests; empty for a run without any."""
    if not run.records:
        return []
    with run.records.open("rb") as file, gzip.open(file) as lines:
        return [orjson.loads(line) for line in lines]


def resource_rows(run: BenchRun) -> list[tuple[str, str, str, float]]:
    """Per part in the measured window: (part, mean CPU, largest CPU, largest memory in bytes)."""
    window = run.summary.get("window", {"start_s": 0.0, "end_s": 1e9})
    rows = []
    for part, samples in resources_of(run).items():
        inside = [row for row in samples if window["start_s"] <= row[0] <= window["end_s"] + 1]
        if inside:
            cpu = [row[1] for row in inside]
            mean = f"{sum(cpu) / len(cpu):.0f} %"
            rows.append((part, mean, f"{max(cpu):.0f} %", float(max(row[2] for row in inside))))
    return rows


def differences(first: BenchRun, second: BenchRun) -> list[Comparison]:
    """Headline figures side by side; lower latencies and higher rates are better."""
    rows = []
    for name, label in LATENCIES:
        for key in ("p50", "p95", "p99"):
            one, two = first.summary.get(name), second.summary.get(name)
            if one and two:
                rows.append(_compared(f"{label} {key}", one, two, key))
    for key, label in (("tokens_per_s", "Tokens/s"), ("requests_per_s", "Requests/s")):
        one, two = first.summary[key], second.summary[key]
        rows.append(Comparison(label, _number(one), _number(two), _change(one, two), "unclear"))
    return rows


def _compared(label: str, one: Mapping[str, Any], two: Mapping[str, Any], key: str) -> Comparison:
    return Comparison(
        label,
        _ms(one[key]),
        _ms(two[key]),
        _change(one[key], two[key]),
        _direction(one, two, key),
    )


def _direction(one: Mapping[str, Any], two: Mapping[str, Any], key: str) -> str:
    """By the order-statistic intervals of the percentile, where there are any."""
    bounds = [row.get(f"{key}_{side}") for row in (one, two) for side in ("low", "high")]
    known = [float(bound) for bound in bounds if bound is not None]
    if len(known) < len(bounds):
        return "unclear"
    one_low, one_high, two_low, two_high = known
    if two_high < one_low:
        return "better"
    return "worse" if two_low > one_high else "unclear"


def _change(one: float | None, two: float | None) -> str:
    if one is None or two is None or not one:
        return "n/a"
    return f"{(two - one) / one:+.0%}"


def _resource_charts(run: BenchRun) -> list[LineChart]:
    parts = resources_of(run)
    if not parts:
        return []
    cpu = [
        Series(part.capitalize(), [(row[0], row[1]) for row in rows])
        for part, rows in parts.items()
        if part != SYSTEM
    ]
    memory = [
        Series(part.capitalize(), [(row[0], row[2] / 1e6) for row in rows])
        for part, rows in parts.items()
        if part != SYSTEM
    ]
    machine = Series("All cores", [(row[0], row[1]) for row in parts.get(SYSTEM, [])])
    return [
        LineChart("CPU of the parts", TIME, "CPU (% of one core)", cpu),
        LineChart("Memory of the parts", TIME, "Memory (MB)", memory),
        LineChart("CPU of the machine", TIME, "CPU (% of one core)", [machine]),
    ]


def _histogram(title: str, label: str, values: Sequence[float]) -> BarChart:
    bins = histogram(values)
    return BarChart(
        title,
        label,
        "Requests",
        [f"{low:.0f}" if high - low >= 1 else f"{low:.1f}" for low, high, _ in bins],
        [("Requests", [count for _, _, count in bins])],
    )


def _goodput_card(goodput: Mapping[str, Any]) -> Card:
    if goodput["value"] is None:
        return Card("Goodput", "n/a", "no request")
    return Card(
        "Goodput",
        f"{goodput['value']:.0%}",
        f"95 %: {goodput['low']:.0%} to {goodput['high']:.0%} · {goodput['requests_per_s']:g}/s",
    )


def _interval(name: str, row: Mapping[str, Any], key: str) -> str:
    """The interval of a percentile over requests. Gaps of one stream depend on each other: none for them."""
    if row[key] is None:
        return f"n {row['n']}; needs {MIN_N[int(key[1:])]}"
    low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
    if name != "itl_ms" and low is not None and high is not None:
        return f"95 %: {_ms(low)} to {_ms(high)} · n {row['n']}"
    return f"n {row['n']}"


def _ms(value: float | None) -> str:
    if value is None:
        return "n/a"
    if value >= 1_000:
        return f"{value / 1000:.2f} s" if value < 99_950 else f"{value / 1000:.0f} s"
    return (
        f"{value:.0f} ms"
        if value >= 100
        else f"{value:.1f} ms"
        if value >= 1
        else f"{value:.2f} ms"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
