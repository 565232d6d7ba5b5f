"""What people did to a project, one line each, for its overview."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from apps.projects.enums import Verb
from apps.projects.models import Project, ProjectEvent

if TYPE_CHECKING:
    from apps.accounts.models import User

TOGETHER = timedelta(minutes=10)
"""Edits of one person within this time are one line: a wizard saves with every keystroke's pause."""
SENTENCES = 30


def note(
    project: Project,
    actor: User | None,
    verb: Verb,
    changes: Sequence[str] = (),
    *,
    document: str = "",
) -> ProjectEvent:
    """Record it, or add an edit to the line of the same person's edit just before."""
    now = timezone.now()
    if verb is Verb.EDITED:
        last = project.events.first()
        fits = last and last.verb == verb and last.actor_id == (actor.pk if actor else None)
        if last and fits and now - last.at < TOGETHER:
            last.changes = [*last.changes, *changes][-SENTENCES:]
            last.at = now
            last.save(update_fields=["changes", "at"])
            return last
    return ProjectEvent.objects.create(
        project=project,
        actor=actor,
        verb=verb,
        changes=list(changes)[-SENTENCES:],
        document=document,
        at=now,
    )
