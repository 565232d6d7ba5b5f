"""A load profile: what is sent, how fast, for how long, and what counts as good enough."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_CONCURRENCY = 256
"""Most streams of one generator process. Each run calibrates itself and says if they were too many here."""
MAX_RATE_RPS = 100.0
MAX_PROMPTS = 1_000
MAX_PROMPT_CHARS = 20_000


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Slo(Part):
    """Limits that one request has to keep, all of them, to count as good."""

    ttft_ms: float | None = Field(default=None, gt=0, le=600_000)
    itl_ms: float | None = Field(default=None, gt=0, le=60_000, description="Mean per request.")
    e2e_ms: float | None = Field(default=None, gt=0, le=600_000)

    @property
    def is_set(self) -> bool:
        return any(limit is not None for limit in (self.ttft_ms, self.itl_ms, self.e2e_ms))


class Profile(Part):
    """mode closed: `concurrency` users, each asks again when it has its answer. mode open: `rate_rps`
    requests arrive per second whatever the application does.

    warmup_s       load before the measured window; discarded
    duration_s     the measured window
    drain_s        how long requests of the window may still finish
    cancel_share   share of the requests that the client cuts in the middle, on purpose
    allow_remote   consent to load a model server on another machine
    """

    mode: Literal["closed", "open"] = "closed"
    concurrency: int = Field(default=4, ge=1, le=MAX_CONCURRENCY)
    rate_rps: float = Field(default=1.0, ge=0.1, le=MAX_RATE_RPS)
    arrival: Literal["poisson", "constant"] = "poisson"
    duration_s: int = Field(default=30, ge=3, le=300)
    warmup_s: int = Field(default=5, ge=0, le=60)
    drain_s: int = Field(default=30, ge=1, le=120)
    timeout_s: float = Field(default=120.0, ge=1, le=600)
    max_tokens: int = Field(default=128, ge=1, le=4096)
    cancel_share: float = Field(default=0.0, ge=0, le=0.5)
    prompts: tuple[str, ...] = Field(min_length=1, max_length=MAX_PROMPTS)
    prompt_source: str = Field(default="typed", max_length=160)
    slo: Slo = Slo()
    seed: int = Field(default=1, ge=0)
    calibrate: bool = True
    allow_remote: bool = False

    @model_validator(mode="after")
    def _prompts_have_words(self) -> Self:
        for prompt in self.prompts:
            if not prompt.strip():
                raise ValueError("a prompt is empty")
            if len(prompt) > MAX_PROMPT_CHARS:
                raise ValueError(f"a prompt has more than {MAX_PROMPT_CHARS:,} characters")
        return self

    @property
    def total_s(self) -> int:
        """Warm-up and window; the drain is extra and usually short."""
        return self.warmup_s + self.duration_s

    @property
    def label(self) -> str:
        """ "8 users" or "2.5 requests/s, Poisson"."""
        if self.mode == "closed":
            return "1 user" if self.concurrency == 1 else f"{self.concurrency} users"
        return f"{self.rate_rps:g} requests/s, {self.arrival.capitalize()}"
