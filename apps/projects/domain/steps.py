"""The wizard's steps: which part of the spec each one edits, and how far each one is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from apps.projects.domain.findings import Finding
from apps.projects.domain.shape import Path

State = Literal["done", "current", "error", "todo"]


@dataclass(frozen=True, slots=True)
class Step:
    """parts: the paths of the spec that this step edits."""

    slug: str
    title: str
    parts: tuple[Path, ...] = ()


STEPS = (
    Step("application", "Application", (("metadata",), ("spec", "application"))),
    Step("model", "Model", (("spec", "model"),)),
    Step("parameters", "Parameters", (("spec", "parameters"), ("spec", "instruction"))),
    Step("knowledge", "Knowledge", (("spec", "knowledge"),)),
    Step("deployment", "Deployment", (("spec", "deployment"),)),
    Step("review", "Review"),
)
SLUGS = tuple(step.slug for step in STEPS)


def step_of(path: Path) -> str:
    """The step that edits this place; "review" for places that no step edits."""
    for step in STEPS:
        if any(path[: len(part)] == part for part in step.parts):
            return step.slug
    return "review"


@dataclass(frozen=True, slots=True)
class StepState:
    step: Step
    number: int
    state: State
    problems: int = 0

    @property
    def is_current(self) -> bool:
        return self.state == "current"


def states(
    current: str, furthest: str, findings: Iterable[Finding], unfit: Collection[str]
) -> list[StepState]:
    """How each step stands. furthest: the last step reached so far; unfit: steps whose typed values
    do not fit yet."""
    problems = dict.fromkeys(SLUGS, 0)
    for finding in findings:
        if finding.severity == "error":
            problems[step_of(finding.path)] += 1
    reached = SLUGS.index(furthest) if furthest in SLUGS else 0
    rows: list[StepState] = []
    for index, step in enumerate(STEPS):
        bad = problems[step.slug] + (step.slug in unfit)
        state: State = "todo"
        if step.slug == current:
            state = "current"
        elif bad and index <= reached:
            state = "error"
        elif index < reached:
            state = "done"
        rows.append(StepState(step, index + 1, state, bad))
    return rows


def following(slug: str) -> str:
    return SLUGS[min(SLUGS.index(slug) + 1, len(SLUGS) - 1)]


def preceding(slug: str) -> str | None:
    place = SLUGS.index(slug)
    return SLUGS[place - 1] if place else None
