"""The name of this web process, as replies that it writes carry it."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from functools import cache


def this_process() -> str:
    """host:pid:start; another one after a fork or a restart, even where the pid is always 1."""
    return _name(os.getpid())


@cache
def _name(pid: int) -> str:
    return f"{socket.gethostname()}:{pid}:{time.time_ns()}"


def is_dead(name: str) -> bool:
    """Whether a process of that name surely lives no more; of other hosts we cannot tell."""
    host, _, rest = name.partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    if int(pid) == os.getpid():
        return name != this_process()
    with suppress(PermissionError):
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
    return False
