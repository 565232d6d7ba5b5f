"""The wizard's steps: which part of the spec each one edits, which an application has, how far each one is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from apps.projects.domain.findings import Finding
from apps.projects.domain.shape import Path

State = Literal["done", "current", "error", "todo"]


@dataclass(frozen=True, slots=True)
class Step:
    """parts: the paths of the spec that this step edits. applications: those that have it; none for all."""

    slug: str
    title: str
    parts: tuple[Path, ...] = ()
    applications: tuple[str, ...] = ()


STEPS = (
    Step("application", "Application", (("metadata",), ("spec", "application"))),
    Step("model", "Model", (("spec", "model"),)),
    Step("speech", "Speech", (("spec", "speech"),), ("audio-chat",)),
    Step(
        "languages",
        "Languages",
        (("spec", "languages"),),
        ("translation", "code-trans", "code-gen"),
    ),
    Step("summary", "Summary", (("spec", "summary"),), ("summarizer",)),
    Step("parameters", "Parameters", (("spec", "parameters"), ("spec", "instruction"))),
    Step("knowledge", "Knowledge", (("spec", "knowledge"),), ("qna", "audio-chat", "custom")),
    Step("safety", "Safety", (("spec", "guardrails"),)),
    Step("deployment", "Deployment", (("spec", "deployment"),)),
    Step("review", "Review"),
)
SLUGS = tuple(step.slug for step in STEPS)


def steps_of(application: str) -> tuple[Step, ...]:
    """The application's own path through the wizard."""
    return tuple(
        step for step in STEPS if not step.applications or application in step.applications
    )


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
    application: str,
    current: str,
    furthest: str,
    findings: Iterable[Finding],
    unfit: Collection[str],
) -> list[StepState]:
    """How each step of the application stands. furthest: the last step reached so far; unfit: steps whose
    typed values do not fit yet."""
    problems = dict.fromkeys(SLUGS, 0)
    for finding in findings:
        if finding.severity == "error":
            problems[step_of(finding.path)] += 1
    reached = SLUGS.index(furthest) if furthest in SLUGS else 0
    rows: list[StepState] = []
    for number, step in enumerate(steps_of(application), start=1):
        index = SLUGS.index(step.slug)
        bad = problems[step.slug] + (step.slug in unfit)
        state: State = "todo"
        if step.slug == current:
            state = "current"
        elif bad and index <= reached:
            state = "error"
        elif index < reached:
            state = "done"
        rows.append(StepState(step, number, state, bad))
    return rows


def following(application: str, slug: str) -> str:
    """The next step of the application's path; the last one is followed by itself."""
    place = SLUGS.index(slug)
    later = [step.slug for step in steps_of(application) if SLUGS.index(step.slug) > place]
    return later[0] if later else SLUGS[-1]


def preceding(application: str, slug: str) -> str | None:
    place = SLUGS.index(slug)
    earlier = [step.slug for step in steps_of(application) if SLUGS.index(step.slug) < place]
    return earlier[-1] if earlier else None
