"""What a benchmark hands to the table that `make bench` prints.

A file `tests/bench/bench_<what>.py` has a `main()` that returns its figures (a `Figure`, or several).
It runs in a process of its own, so it may load what it likes. Nothing here fails on time.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """name      what was measured, with the unit ("first page, server time, ms")
    measured  as it is printed ("41", "0.92", "n/a")
    target    as the requirement puts it ("under 100"); empty where there is none
    met       None where there is no target or nothing could be measured
    """

    name: str
    measured: str
    target: str = ""
    met: bool | None = None
    note: str = ""
