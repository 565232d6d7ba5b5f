"""Patterns of strangers: as `re` finds them, in bounded time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.runtime.safe_pattern import PatternRefused, checked
from tests.servers.watchdog import no_hang

TEXTS = ("", "a", "order 1234", "Order-77 and more", "aab", "ba\n", "x_y", "ÄÖ straße", "a b  c")


@pytest.mark.parametrize(
    "pattern",
    [
        "order", r"order\W\d{2,4}", "^a", "a$", r"\bmore\b", "(a|b)+b", "a{2}", "[^a-z ]", r"\d+",
        "x?y", r"\w+\s{2}\w", "a*?b", "", "(?:or|and)", r"[\d-]+7", "Ä", "[ä-ü]", r"^\s*$", "(a{1,2}){2}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", TEXTS)
def test_finds_what_re_finds(pattern: str, text: str) -> None:
    expected = bool(re.search(pattern, text, re.IGNORECASE | re.DOTALL))

    assert checked(pattern).search(text) == expected


@settings(max_examples=300, deadline=None)
@given(
    st.text("ab01 .|()*+?[]{}\\wd^$", max_size=12),
    st.text("ab01 \n", max_size=12),
)
def test_any_pattern_is_refused_or_found_as_re_finds_it(pattern: str, text: str) -> None:
    try:
        found = checked(pattern).search(text)
    except PatternRefused:
        return
    assert found == bool(re.search(pattern, text, re.IGNORECASE | re.DOTALL))


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", r"(\w*)*\d", "a*a*a*a*a*b", "(a?){60}a{60}"]
)
def test_no_pattern_makes_a_text_slow(pattern: str) -> None:
    with no_hang():  # `re` needs years for most of them
        checked(pattern).search("a" * 2_000 + "!")


@pytest.mark.parametrize(
    "pattern", ["(", "a" * 501, "(?=a)", r"(a)\1", "a{2000}{2}", "(?<!x)y", "(?P<a>b)(?P=a)"]
)
def test_what_cannot_be_matched_so_is_refused(pattern: str) -> None:
    with pytest.raises(PatternRefused):
        checked(pattern)
