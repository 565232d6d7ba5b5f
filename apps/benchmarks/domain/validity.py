"""May the figures be believed? A load generator that is late or short of CPU measures itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

LAG_MS = 10.0
"""Event-loop lag p99 and send lateness p99 that are always tolerated."""
LAG_SHARE = 0.05
"""Tolerated share of the median TTFT where that is more."""
CLIENT_CPU_PERCENT = 80.0
"""Above this share of its one core the generator starts to queue (70 to 90 by measurement)."""
SYSTEM_CPU_PERCENT = 90.0


@dataclass(frozen=True, slots=True)
class Client:
    """How the generator itself did during the window.

    connections   TCP connections opened; more than the peak of streams means that some were lost
    """

    lag_p50_ms: float
    lag_p99_ms: float
    late_p99_ms: float
    cpu_percent: float
    connections: int = 0


@dataclass(frozen=True, slots=True)
class Validity:
    """reasons: why the figures describe the generator. notes: what to know when reading them."""

    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    client: dict[str, Any] = field(default_factory=dict)
    system_cpu_percent: float | None = None

    @property
    def client_limited(self) -> bool:
        return bool(self.reasons)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "client_limited": self.client_limited}


def judge(
    client: Client,
    summary: Mapping[str, Any],
    *,
    open_loop: bool,
    system_cpu_percent: float | None,
    calibration: Mapping[str, Any] | None,
) -> Validity:
    """Hold the generator's own figures against what it measured."""
    ttft = summary["ttft_ms"]["p50"] or summary["ttft_ms"]["mean"] or 0.0
    allowed = max(LAG_MS, LAG_SHARE * ttft)
    reasons = []
    if client.lag_p99_ms > allowed:
        reasons.append(
            f"The generator's event loop was late by {client.lag_p99_ms:.1f} ms (p99); "
            f"{allowed:.1f} ms is tolerated."
        )
    if open_loop and client.late_p99_ms > allowed:
        reasons.append(
            f"Requests left {client.late_p99_ms:.1f} ms (p99) after their time; "
            f"{allowed:.1f} ms is tolerated."
        )
    if client.cpu_percent > CLIENT_CPU_PERCENT:
        reasons.append(
            f"The generator used {client.cpu_percent:.0f} % of its core; "
            f"{CLIENT_CPU_PERCENT:.0f} % is tolerated."
        )
    if (
        calibration
        and (error := calibration.get("ttft_error_p50_ms")) is not None
        and error > allowed
    ):
        reasons.append(
            f"Against a server with a known pace the generator's TTFT was off by {error:.1f} ms (median)."
        )
    return Validity(
        tuple(reasons), _notes(summary, system_cpu_percent), asdict(client), system_cpu_percent
    )


def _notes(summary: Mapping[str, Any], system_cpu_percent: float | None) -> tuple[str, ...]:
    notes = []
    if system_cpu_percent is not None and system_cpu_percent > SYSTEM_CPU_PERCENT:
        notes.append(
            f"The machine was at {system_cpu_percent:.0f} % CPU: generator, application and whatever "
            "else runs here shared it. A quieter or larger machine gives better figures."
        )
    if summary["steady"]["steady"] is False:
        drift = summary["steady"]["drift_ms"]
        notes.append(
            f"No steady state: time to first token drifted by {drift:+.0f} ms over the window. Lower "
            "the load, or lengthen the warm-up."
        )
    if summary["tokens_by"] == "events" and summary["requests"]["ok"]:
        notes.append("The application sent no usage; stream events are counted as tokens.")
    return tuple(notes)
