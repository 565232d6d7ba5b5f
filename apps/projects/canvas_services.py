"""Saving what was drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from apps.projects.domain.canvas import Op, edited
from apps.projects.domain.canvas import seen as seen_of
from apps.projects.domain.yaml_io import merge
from apps.projects.errors import DraftConflict
from apps.projects.models import Draft, Project
from apps.projects.queries import spec_of
from apps.projects.services import SAVE_ATTEMPTS, keep_unfit_input, save_draft

if TYPE_CHECKING:
    from apps.accounts.models import User

PLACE = "canvas"
"""In a draft's `unfit_input`."""
KEPT_BYTES = 400_000
"""Of operations that could not be saved: the largest flow drawn at once is about half of it."""


def save_canvas(*, project: Project, seen: str, ops: Sequence[Op], by: User) -> Draft:
    """Do these operations in whatever the draft is now; its other parts may have changed meanwhile.

    seen: the fingerprint of the flow that the operations start from.
    Raises SpecRefused if one of them cannot be done, DraftConflict if somebody drew in between.
    """
    for _ in range(SAVE_ATTEMPTS):
        draft = Draft.objects.get(pk=project.pk)
        now = spec_of(draft)
        if seen_of(now) != seen:
            break
        try:
            wanted = edited(now, ops)
            return save_draft(project=project, spec=wanted, base_revision=draft.revision, by=by)
        except DraftConflict:
            continue
    raise DraftConflict(
        title=project.title,
        base="the one it started from",
        theirs=draft.revision,
        their_yaml=draft.yaml,
        your_yaml=merge(draft.yaml, now),
    )


def keep_drawn(*, project: Project, ops: Any, by: User) -> None:
    """Remember operations that could not be saved, so that leaving the page does not lose them."""
    values = {"ops": ops, "by": by.get_username(), "at": timezone.now().isoformat()}
    keep_unfit_input(project=project, place=PLACE, values=values)


def forget_drawn(*, project: Project) -> None:
    keep_unfit_input(project=project, place=PLACE, values=None)
