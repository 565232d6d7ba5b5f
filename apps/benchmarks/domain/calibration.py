"""How far the generator is off, found by loading a server whose pace is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.benchmarks.domain.profile import Profile

CALIBRATION_S = 4
"""Enough for the median error at any load that fits the machine."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The known pace: token i leaves ttft_ms + i * itl_ms after the request arrived.

    The served stub is a Python process beside the generator, so that the error found is an upper
    bound: it holds the stub's own delay too.
    """

    ttft_ms: float = 50.0
    itl_ms: float = 20.0
    tokens: int = 24

    @property
    def pace(self) -> dict[str, float]:
        return {"ttft_ms": self.ttft_ms, "itl_ms": self.itl_ms, "tokens": self.tokens}

    def result(self, summary: Mapping[str, Any]) -> dict[str, Any]:
        """Measured minus known; None where there were too few requests."""
        ttft, itl = summary["ttft_sent_ms"] or summary["ttft_ms"], summary["itl_mean_ms"]
        return {
            "ttft_ms": self.ttft_ms,
            "itl_ms": self.itl_ms,
            "requests": ttft["n"],
            "ttft_error_p50_ms": _off(ttft["p50"], self.ttft_ms),
            "ttft_error_p95_ms": _off(ttft["p95"], self.ttft_ms),
            "itl_error_p50_ms": _off(itl["p50"], self.itl_ms),
            "itl_error_p95_ms": _off(itl["p95"], self.itl_ms),
        }


def calibration_profile(profile: Profile) -> Profile:
    """A few seconds of the same load: same mode and concurrency or rate, no cancels."""
    return Profile(
        mode=profile.mode,
        concurrency=profile.concurrency,
        rate_rps=profile.rate_rps,
        arrival=profile.arrival,
        duration_s=CALIBRATION_S,
        warmup_s=0,
        drain_s=5,
        timeout_s=10,
        prompts=("calibration",),
        seed=profile.seed,
    )


def _off(measured: float | None, known: float) -> float | None:
    return None if measured is None else round(measured - known, 3)
