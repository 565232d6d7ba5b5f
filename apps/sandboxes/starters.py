"""Questions to start with, made from what the knowledge has headings for."""

from __future__ import annotations

from collections.abc import Sequence

from apps.knowledge.models import Chunk, Collection

LOOKED_AT = 200
SHOWN = 3


def starters_for(collections: Sequence[Collection]) -> tuple[str, ...]:
    """At most SHOWN questions; none where nothing has headings. One query."""
    if not collections:
        return ()
    rows = Chunk.objects.filter(collection__in=collections).exclude(heading="")
    headings = dict.fromkeys(
        heading.rpartition(" > ")[2].strip(" #.:")
        for heading in rows.order_by().values_list("heading", flat=True)[:LOOKED_AT]
    )
    good = [heading for heading in headings if 8 <= len(heading) <= 60]
    step = max(1, len(good) // SHOWN)
    return tuple(f"What does it say about “{heading}”?" for heading in good[::step][:SHOWN])
