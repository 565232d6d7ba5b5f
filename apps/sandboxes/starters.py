"""Questions to start with, made from what the knowledge has headings for."""

from __future__ import annotations

from collections.abc import Sequence

from apps.knowledge.models import Chunk, Collection

LOOKED_AT = 200
SHOWN = 3


def starters_for(collections: Sequence[Collection], *, stable: bool = False) -> tuple[str, ...]:
    """At most SHOWN questions; none where nothing has headings. One query.

    stable: the same rows give the same questions on every database; slower on large collections.
    """
    if not collections:
        return ()
    rows = Chunk.objects.filter(collection__in=collections).exclude(heading="")
    order = ("document__name", "ordinal") if stable else ()
    headings = dict.fromkeys(
        heading.rpartition(" > ")[2].strip(" #.:")
        for heading in rows.order_by(*order).values_list("heading", flat=True)[:LOOKED_AT]
    )
    good = [heading for heading in headings if 8 <= len(heading) <= 60]
    step = max(1, len(good) // SHOWN)
    return tuple(f"What does it say about “{heading}”?" for heading in good[::step][:SHOWN])
