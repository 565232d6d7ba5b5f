from __future__ import annotations

import re
import signal

import pytest

from tests.servers.watchdog import Hangs, no_hang


def test_a_loop_without_end_is_ended() -> None:
    with pytest.raises(Hangs), no_hang(0.1):
        while True:
            pass


def test_a_pattern_without_end_is_ended() -> None:
    with pytest.raises(Hangs), no_hang(0.1):
        re.match(r"(a+)+$", "a" * 60 + "!")


def test_what_ends_leaves_no_timer_behind() -> None:
    with no_hang():
        sum(range(1_000))

    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
