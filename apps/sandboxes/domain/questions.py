"""Questions to start with, made from headings. Pure, so that an export without a database has them too."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

LOOKED_AT = 200
SHOWN = 3


def questions_about(headings: Iterable[str]) -> tuple[str, ...]:
    """At most SHOWN questions, spread over the first LOOKED_AT headings; none where none is fit.

    headings: paths as `knowledge` writes them ("Handbook › Leave"), read as a stream
    """
    titles = dict.fromkeys(
        heading.rpartition("›")[2].strip(" #.:") for heading in islice(headings, LOOKED_AT)
    )
    good = [title for title in titles if 8 <= len(title) <= 60]
    step = max(1, len(good) // SHOWN)
    return tuple(f"What does it say about “{title}”?" for title in good[::step][:SHOWN])
