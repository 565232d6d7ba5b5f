"""What is kept of one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["ok", "failed", "truncated", "cancelled"]


@dataclass(frozen=True, slots=True)
class Record:
    """Times are seconds from the start of the run.

    intended_s   when it was to start; latencies of open-loop runs count from here, so that requests
                 held up by a stalled system are not left out (coordinated omission)
    start_s      when it was really sent
    token_s      when each event with text was read
    tokens       completion tokens by the server's usage, else the number of events
    counted      whether tokens come from usage
    status       ok; failed (refused, HTTP error, error event, timeout, not finished by the end of
                 the drain); truncated (ended without finish_reason and [DONE]); cancelled by plan
    """

    index: int
    intended_s: float
    start_s: float
    end_s: float
    token_s: tuple[float, ...] = ()
    tokens: int = 0
    counted: bool = False
    prompt_tokens: int = 0
    status: Status = "ok"
    cause: str = ""
    http_status: int = 0

    def ttft_ms(self, *, from_intended: bool = False) -> float | None:
        if not self.token_s:
            return None
        return (self.token_s[0] - (self.intended_s if from_intended else self.start_s)) * 1e3

    def e2e_ms(self, *, from_intended: bool = False) -> float:
        return (self.end_s - (self.intended_s if from_intended else self.start_s)) * 1e3

    @property
    def itl_mean_ms(self) -> float | None:
        """Time from first to last token per token after the first; None below two tokens."""
        count = max(self.tokens, len(self.token_s))
        if count < 2 or len(self.token_s) < 2:
            return None
        return (self.token_s[-1] - self.token_s[0]) / (count - 1) * 1e3

    @property
    def gaps_ms(self) -> list[float]:
        return [
            (later - sooner) * 1e3
            for sooner, later in zip(self.token_s, self.token_s[1:], strict=False)
        ]


def record_from(event: Mapping[str, Any]) -> Record:
    """The record in an engine's event; `token_us` are microseconds after `start_s`."""
    start = float(event["start_s"])
    return Record(
        index=int(event["index"]),
        intended_s=float(event["intended_s"]),
        start_s=start,
        end_s=float(event["end_s"]),
        token_s=tuple(start + offset / 1e6 for offset in event["token_us"]),
        tokens=int(event["tokens"]),
        counted=bool(event["counted"]),
        prompt_tokens=int(event["prompt_tokens"]),
        status=event["status"],
        cause=str(event["cause"]),
        http_status=int(event["http_status"]),
    )
