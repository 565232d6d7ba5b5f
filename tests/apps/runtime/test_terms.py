"""Words as the lexical index counts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.runtime.terms import query_terms, stem, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max_tokens", ["max_tokens", "max", "token"]),
        ("HybridIndex", ["hybridindex", "hybrid", "index"]),
        ("XMLHttpRequest", ["xmlhttprequest", "xml", "http", "request"]),
        ("top-k", ["top-k", "top", "k"]),
        ("v1.3", ["v1.3", "v", "1", "3"]),
        ("Straße", ["strass"]),
        ("Café", ["caf"]),
        ("日本語 model", ["日本", "本語", "model"]),
        ("", []),
    ],
)
def test_terms_of_a_text(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("deploy", "deployed"),
        ("deploys", "deploying"),
        ("policy", "policies"),
        ("service", "services"),
        ("running", "runs"),
        ("box", "boxes"),
        ("calling", "calls"),
    ],
)
def test_forms_of_a_word_meet(left: str, right: str) -> None:
    assert stem(left) == stem(right)


def test_words_that_only_look_alike_stay_apart() -> None:
    assert stem("sing") == "sing"
    assert stem("status") == "status"
    assert stem("bed") == "bed"


def test_question_words_are_dropped_unless_alone() -> None:
    assert query_terms("How do I restart the pod?") == ["restart", "pod"]
    assert query_terms("who is it") == ["who", "is", "it"]


def test_terms_of_a_question_are_distinct() -> None:
    assert query_terms("pods, pod, POD") == ["pod"]


@given(st.text(max_size=60))
def test_any_text_has_terms_without_spaces(text: str) -> None:
    assert all(term and not any(char.isspace() for char in term) for term in terms(text))
