"""What stays where it is when a list is put in another order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def rising(numbers: list[int]) -> set[int]:
    """The members of a longest rising part; of equal ones the last."""
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        place = bisect_left(tails, number)
        before[number] = tails[place - 1] if place else None
        tails[place : place + 1] = [number]
    kept: set[int] = set()
    last = tails[-1] if tails else None
    while last is not None:
        kept.add(last)
        last = before[last]
    return kept


def staying(old: Sequence[T], new: Iterable[T]) -> set[T]:
    """A largest part of what both have that is in the same order in both. Nothing may stand twice."""
    places = {one: place for place, one in enumerate(old)}
    return {old[place] for place in rising([places[one] for one in new if one in places])}
