"""Regular expressions of strangers, matched in time that grows with the text alone.

Python's `re` goes back and tries again, which one short pattern can make last for years, and nothing can
stop it: it holds the interpreter's lock. Here all ways are followed at once (Thompson, "Regular Expression
Search Algorithm", CACM 1968). What cannot be matched so is refused: back references and look-around.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

PATTERN_CHARS: Final = 500
STATES: Final = 2_000
"""Repetitions with a number are written out: "a{50}" is 50 states."""

Test = Callable[[str], bool]


class PatternRefused(ValueError):
    """The message says why, for people."""


@dataclass(slots=True)
class _State:
    """test: of the character that leads on to `next`; None leads on without one, if `at` holds."""

    test: Test | None = None
    at: str = ""
    next: list[int] = field(default_factory=list)


class SafePattern:
    """As `re` finds it, whatever the case of the letters; "." takes line ends too."""

    def __init__(self, pattern: str) -> None:
        if len(pattern) > PATTERN_CHARS:
            raise PatternRefused(f"the pattern is longer than {PATTERN_CHARS} characters")
        try:
            tree = parser.parse(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise PatternRefused(f"“{pattern}” is no regular expression: {error}") from error
        self._states: list[_State] = []
        self._last = self._new()
        self._first = self._sequence(list(tree), self._last)

    def search(self, text: str) -> bool:
        """Whether it occurs anywhere in the text."""
        text = text.lower()
        active: set[int] = set()
        for place in range(len(text) + 1):
            active = self._closed(active | {self._first}, text, place)
            if self._last in active:
                return True
            if place < len(text):
                active = set(self._after(active, text[place]))
        return False

    def _after(self, active: set[int], char: str) -> Iterator[int]:
        for number in active:
            state = self._states[number]
            if state.test is not None and state.test(char):
                yield from state.next

    def _closed(self, active: set[int], text: str, place: int) -> set[int]:
        """With every state that is reached without a character."""
        found, waiting = set(active), list(active)
        while waiting:
            state = self._states[waiting.pop()]
            if state.test is None and (not state.at or _holds(state.at, text, place)):
                new = [number for number in state.next if number not in found]
                found.update(new)
                waiting += new
        return found

    def _new(self, test: Test | None = None, at: str = "", *then: int) -> int:
        if len(self._states) >= STATES:
            raise PatternRefused("the pattern is too large: use smaller numbers of repetitions")
        self._states.append(_State(test, at, list(then)))
        return len(self._states) - 1

    def _sequence(self, items: list[Any], then: int) -> int:
        for kind, value in reversed(items):
            then = self._item(kind, value, then)
        return then

    def _item(self, kind: Any, value: Any, then: int) -> int:
        if kind is op.SUBPATTERN:
            return self._sequence(list(value[-1]), then)
        if kind is op.BRANCH:
            return self._new(None, "", *(self._sequence(list(one), then) for one in value[1]))
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            low, high, inner = value
            return self._repeat(low, high, list(inner), then)
        if kind is op.AT:
            return self._new(None, _PLACES[value], then)
        if test := _test(kind, value):
            return self._new(test, "", then)
        raise PatternRefused(f"{str(kind).lower().replace('_', ' ')} cannot be used here")

    def _repeat(self, low: int, high: int, items: list[Any], then: int) -> int:
        if high is op.MAXREPEAT:
            loop = self._new(None, "", then)
            self._states[loop].next.append(self._sequence(items, loop))
            then = loop
        else:
            out = then
            for _ in range(high - low):
                then = self._new(None, "", out, self._sequence(items, then))
        for _ in range(low):
            then = self._sequence(items, then)
        return then


@lru_cache(maxsize=256)
def checked(pattern: str) -> SafePattern:
    """Raises PatternRefused."""
    return SafePattern(pattern)


_PLACES: Final = {
    op.AT_BEGINNING: "start",
    op.AT_BEGINNING_STRING: "start",
    op.AT_END: "end",
    op.AT_END_STRING: "end",
    op.AT_BOUNDARY: "boundary",
    op.AT_NON_BOUNDARY: "inside",
}
_CLASSES: Final[dict[Any, Test]] = {
    op.CATEGORY_DIGIT: str.isdecimal,
    op.CATEGORY_NOT_DIGIT: lambda char: not char.isdecimal(),
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_NOT_SPACE: lambda char: not char.isspace(),
    op.CATEGORY_WORD: lambda char: _is_word(char),
    op.CATEGORY_NOT_WORD: lambda char: not _is_word(char),
}


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _holds(at: str, text: str, place: int) -> bool:
    if at == "start":
        return place == 0
    if at == "end":
        return place == len(text) or (place == len(text) - 1 and text[place] == "\n")
    before = place > 0 and _is_word(text[place - 1])
    after = place < len(text) and _is_word(text[place])
    return (before != after) == (at == "boundary")


def _test(kind: Any, value: Any) -> Test | None:
    """Of one character of the text, which is in lower case; None for what is none of a character."""
    if kind is op.ANY:
        return lambda char: True
    if kind is op.LITERAL:
        wanted = chr(value).lower()
        return lambda char: char == wanted
    if kind is op.NOT_LITERAL:
        unwanted = chr(value).lower()
        return lambda char: char != unwanted
    if kind is op.CATEGORY:
        return _CLASSES[value]
    if kind is op.RANGE:
        low, high = value
        return lambda char: low <= ord(char) <= high or low <= ord(char.upper()[:1]) <= high
    if kind is op.IN:
        negated = value[0][0] is op.NEGATE
        tests = [test for one in value[negated:] if (test := _test(*one))]
        return lambda char: any(test(char) for test in tests) != negated
    return None
