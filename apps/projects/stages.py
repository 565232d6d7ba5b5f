"""How far a project is from idea to package. Later apps tell their stages through a setting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string

from apps.projects.domain.findings import Finding
from apps.projects.models import Project, SpecVersion

State = Literal["done", "next", "later", "problem"]
WAITING = ("next", "problem")


@dataclass(frozen=True, slots=True)
class Stage:
    """One of Describe, Try, Prove, Ship: how it stands and what to do next.

    first   the first of them that waits for its reader
    """

    title: str
    icon: str
    state: State
    text: str
    action: str
    url: str
    first: bool = False


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a project's activity."""

    at: datetime
    icon: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Progress:
    stages: list[Stage]
    happenings: list[Happening]


Teller = Callable[[Project, Sequence[SpecVersion]], Progress]


def progress_of(
    project: Project, versions: Sequence[SpecVersion], findings: Sequence[Finding]
) -> Progress:
    """Describe from here, the other stages from settings.PROJECT_PROGRESS. versions: newest first."""
    teller: Teller = import_string(settings.PROJECT_PROGRESS)
    later = teller(project, versions)
    built = [
        Happening(row.created_at, "box", f"Version {row} built", row.get_absolute_url())
        for row in versions[:10]
    ]
    happenings = sorted(built + later.happenings, key=lambda one: one.at, reverse=True)
    stages = [_describe(project, versions, findings), *later.stages]
    waiting = next((place for place, one in enumerate(stages) if one.state in WAITING), None)
    marked = [replace(one, first=place == waiting) for place, one in enumerate(stages)]
    return Progress(marked, happenings[:12])


def _describe(
    project: Project, versions: Sequence[SpecVersion], findings: Sequence[Finding]
) -> Stage:
    blocking = sum(finding.severity == "error" for finding in findings)
    wizard = reverse(
        "projects:wizard", args=[project.pk, project.draft.wizard_step or "application"]
    )
    review = reverse("projects:wizard", args=[project.pk, "review"])
    if blocking:
        things = "1 thing is" if blocking == 1 else f"{blocking} things are"
        return Stage("Describe", "edit", "problem", f"{things} missing", "Continue", wizard)
    if not versions:
        return Stage("Describe", "edit", "next", "Complete, not built yet", "Build", review)
    if versions[0].yaml != project.draft.yaml:
        return Stage(
            "Describe", "edit", "next", f"Changed since v{versions[0].number}", "Review", review
        )
    return Stage("Describe", "edit", "done", f"Built as v{versions[0].number}", "Edit", wizard)
