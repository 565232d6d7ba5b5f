"""Does a run reach what its project demands?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from apps.evaluations.domain.catalogue import BY_ID, metric_id
from apps.projects.domain.spec import Gate

Outcome = Literal["passed", "failed", "unmeasured"]


@dataclass(frozen=True, slots=True)
class GateResult:
    """outcome "unmeasured": the metric is unknown or n/a in this run; it does not pass."""

    metric: str
    label: str
    minimum: float | None
    maximum: float | None
    value: float | None
    outcome: Outcome

    @property
    def passed(self) -> bool:
        return self.outcome == "passed"


def check_gates(
    gates: Sequence[Gate], summary: Mapping[str, Mapping[str, float | int | None]]
) -> list[GateResult]:
    """Hold every gate against the run's summary, in the order of the spec."""
    return [_check(gate, summary) for gate in gates]


def _check(gate: Gate, summary: Mapping[str, Mapping[str, float | int | None]]) -> GateResult:
    name = metric_id(gate.metric)
    label = BY_ID[name].label if name else gate.metric
    value = summary.get(name, {}).get("value") if name else None
    outcome: Outcome = "unmeasured"
    if value is not None:
        low_enough = gate.max is None or value <= gate.max
        high_enough = gate.min is None or value >= gate.min
        outcome = "passed" if low_enough and high_enough else "failed"
    return GateResult(gate.metric, label, gate.min, gate.max, value, outcome)
