"""Ends what would never end, so that a test fails instead of waiting. No stop watch: how long something
takes is measured in `tests/bench/`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

HANG_S = 20.0
"""Of processor time, some twenty times what the slowest file takes: other work on the machine does not
count, and only what hangs gets here."""


class Hangs(BaseException):
    """Not an Exception, so that nothing under test takes it for one of its own."""


@contextmanager
def no_hang(limit_s: float = HANG_S) -> Iterator[None]:
    """Raises Hangs in the middle of whatever runs in it once that has computed for limit_s. In the main
    thread only; the timer of pytest's own timeout is another."""

    def ends(number: int, frame: FrameType | None) -> None:
        raise Hangs(f"It computed for {limit_s:g} s and did not end.")

    before = signal.signal(signal.SIGVTALRM, ends)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
