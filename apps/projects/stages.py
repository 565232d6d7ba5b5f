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
from apps.projects.enums import Verb
from apps.projects.models import Project, ProjectEvent, SpecVersion

SHOWN = 12
"""Lines of activity on the overview."""
ICONS = {
    Verb.CREATED: "plus",
    Verb.EDITED: "edit",
    Verb.RESTORED_VERSION: "history",
    Verb.SHARED: "users",
    Verb.UNSHARED: "users",
    Verb.DELETED: "trash",
    Verb.RESTORED: "history",
}
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
    happenings = sorted(
        built + later.happenings + _events(project), key=lambda one: one.at, reverse=True
    )
    stages = [_describe(project, versions, findings), *later.stages]
    waiting = next((place for place, one in enumerate(stages) if one.state in WAITING), None)
    marked = [replace(one, first=place == waiting) for place, one in enumerate(stages)]
    return Progress(marked, happenings[:SHOWN])


def _events(project: Project) -> list[Happening]:
    """What people did to the description and with whom they share it, in words."""
    rows = project.events.select_related("actor")[:SHOWN]
    return [Happening(row.at, ICONS[Verb(row.verb)], _told(row), "") for row in rows]


def _told(event: ProjectEvent) -> str:
    who = str(event.actor or "Somebody")
    changes = [str(change) for change in event.changes]
    if event.verb == Verb.EDITED:
        more = f" And {len(changes) - 2} more changes." if len(changes) > 2 else ""
        return f"{who}: {' '.join(changes[-2:])}{more}"
    return f"{who} {event.get_verb_display()}" + (f": {' '.join(changes[:2])}" if changes else "")


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
