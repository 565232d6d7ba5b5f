"""Questions to start with, made from what the knowledge has headings for."""

from __future__ import annotations

from collections.abc import Sequence

from apps.knowledge.models import Chunk, Collection
from apps.sandboxes.domain.questions import LOOKED_AT, questions_about


def starters_for(collections: Sequence[Collection]) -> tuple[str, ...]:
    """A few questions; none where nothing has headings. One query."""
    if not collections:
        return ()
    rows = Chunk.objects.filter(collection__in=collections).exclude(heading="")
    return questions_about(rows.values_list("heading", flat=True)[:LOOKED_AT])
