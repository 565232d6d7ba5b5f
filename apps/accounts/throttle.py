"""Slows down guessing of passwords. Counts live in the cache; a success clears the name's count."""

from __future__ import annotations

import hashlib
import time

from django.core.cache import cache

WINDOW_S = 15 * 60
NAME_LIMIT = 5
"""Failures for one name from one address within the window."""
ADDRESS_LIMIT = 60
"""Failures from one address for all names; an office behind one address stays below it."""


def wait_s(username: str, address: str) -> int:
    """Seconds until this name may be tried again from this address; 0 when it may be now."""
    until = cache.get_many([f"{key}:until" for key, _ in _keys(username, address)]).values()
    return max(0, round(max(until, default=0) - time.time()))


def record_failure(username: str, address: str) -> None:
    for key, limit in _keys(username, address):
        if cache.add(key, 1, WINDOW_S):
            continue
        try:
            failures = cache.incr(key)
        except ValueError:  # the count expired between the two calls
            cache.set(key, 1, WINDOW_S)
            continue
        if failures >= limit:
            cache.set(f"{key}:until", time.time() + WINDOW_S, WINDOW_S)


def clear(username: str, address: str) -> None:
    key, _ = _keys(username, address)[0]
    cache.delete_many([key, f"{key}:until"])


def _keys(username: str, address: str) -> list[tuple[str, int]]:
    pair = hashlib.sha256(f"{username.casefold()}\0{address}".encode()).hexdigest()
    alone = hashlib.sha256(address.encode()).hexdigest()
    return [(f"login:{pair}", NAME_LIMIT), (f"login:{alone}", ADDRESS_LIMIT)]
