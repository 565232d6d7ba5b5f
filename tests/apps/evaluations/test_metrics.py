from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from apps.evaluations.domain import metrics
from apps.evaluations.domain.tokens import rouge_tokens, squad_tokens, strip_citations

ENGLISH = st.lists(
    st.sampled_from(
        [
            "the",
            "a",
            "refund",
            "refunds",
            "within",
            "14",
            "days",
            "Days.",
            "it's",
            "IT-2",
            "of,",
            "(policy)",
            "3.5",
        ]
    ),
    max_size=25,
).map(" ".join)
ANY_TEXT = st.text(max_size=80)


def test_strip_citations_removes_marks_and_nothing_else() -> None:
    text = "Refunds take 14 days [1]. See [2, 3] and list[0] of [sic]."

    assert strip_citations(text) == "Refunds take 14 days. See and list of [sic]."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Eiffel Tower!", ["eiffel", "tower"]),
        ("“Curly” — quotes…", ["curly", "quotes"]),
        ("U.S. $1,000", ["us", "1000"]),
        ("ﬁne", ["fine"]),
        ("退款需要14天", ["退", "款", "需", "要", "14", "天"]),
        ("", []),
    ],
)
def test_squad_tokens(text: str, words: list[str]) -> None:
    assert squad_tokens(text) == words


@pytest.mark.parametrize(
    ("answer", "references", "value"),
    [
        ("The Paris.", ["paris"], 1.0),
        ("Paris", ["London", "paris!"], 1.0),
        ("in Paris", ["paris"], 0.0),
        ("", [""], 1.0),
    ],
)
def test_exact_match(answer: str, references: list[str], value: float) -> None:
    assert metrics.exact_match(answer, references) == value


@pytest.mark.parametrize(
    ("answer", "references", "value"),
    [
        ("14 days", ["14 days"], 1.0),
        # common 2, precision 2/4, recall 2/2 -> 2/3
        ("it takes 14 days", ["14 days"], 2 / 3),
        # counted with multiplicity: common 1, precision 1/2, recall 1/1
        ("no no", ["no"], 2 / 3),
        ("blue", ["red", "dark blue"], 2 / 3),
        ("", ["x"], 0.0),
        ("the", ["a"], 1.0),
    ],
)
def test_token_f1(answer: str, references: list[str], value: float) -> None:
    assert metrics.token_f1(answer, references) == pytest.approx(value)


def test_rouge_l_by_hand() -> None:
    # LCS of "police killed the gunman" and "police kill the gunman": police the gunman = 3 of 4, 4
    assert metrics.rouge_l("police killed the gunman", ["police kill the gunman"]) == 0.75
    # Lin 2004: "the gunman kill police" shares only two words in order
    assert metrics.rouge_l("the gunman kill police", ["police kill the gunman"]) == 0.5


def test_reference_recall_counts_words_of_the_reference_that_are_there() -> None:
    answer = "You can return goods within 14 days of delivery"

    assert metrics.reference_recall(answer, ["within 14 days"]) == 1.0
    assert metrics.reference_recall(answer, ["within 30 days"]) == pytest.approx(2 / 3)


def test_contains_reference_needs_an_unbroken_run() -> None:
    assert metrics.contains_reference("It is in Paris, France.", ["Paris France"])
    assert not metrics.contains_reference("Paris is in France", ["Paris France"])
    assert not metrics.contains_reference("anything", [""])


@pytest.mark.parametrize("metric", [metrics.exact_match, metrics.token_f1, metrics.rouge_l])
def test_without_references_it_is_not_a_number(metric: object) -> None:
    assert math.isnan(metric("x", []))  # type: ignore[operator]


@given(ENGLISH, ENGLISH)
def test_rouge_l_equals_the_rouge_score_package(answer: str, reference: str) -> None:
    expected = rouge_scorer.RougeScorer(["rougeL"]).score(reference, answer)["rougeL"].fmeasure

    assert metrics.rouge_l(answer, [reference]) == pytest.approx(expected)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=200))
def test_rouge_tokens_equal_the_rouge_score_package(text: str) -> None:
    from rouge_score.tokenizers import DefaultTokenizer

    assert rouge_tokens(text) == DefaultTokenizer().tokenize(text)


@given(
    st.lists(st.sampled_from("abcd"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12)
)
def test_lcs_length_equals_the_textbook_recursion(left: list[str], right: list[str]) -> None:
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            table[i + 1][j + 1] = (
                table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
            )

    assert metrics.lcs_length(left, right) == table[-1][-1]


@given(ANY_TEXT, ANY_TEXT)
def test_answer_metrics_are_shares_and_one_for_the_same_text(answer: str, reference: str) -> None:
    for metric in (metrics.exact_match, metrics.token_f1, metrics.rouge_l):
        assert 0 <= metric(answer, [reference]) <= 1
    assert metrics.exact_match(answer, [answer]) == metrics.token_f1(answer, [answer]) == 1
    assert metrics.token_f1(answer, [reference]) == pytest.approx(
        metrics.token_f1(reference, [answer])
    )


@given(ANY_TEXT, st.lists(ANY_TEXT, min_size=1, max_size=4))
def test_another_reference_never_lowers_a_metric(answer: str, references: list[str]) -> None:
    for metric in (metrics.exact_match, metrics.token_f1, metrics.rouge_l):
        assert metric(answer, references) >= metric(answer, references[:1])


def test_recall_at_k_by_hand() -> None:
    found = [frozenset({0}), frozenset[int](), frozenset({0, 2})]

    assert metrics.recall_at_k(found, 3, k=1) == pytest.approx(1 / 3)
    assert metrics.recall_at_k(found, 3, k=3) == pytest.approx(2 / 3)
    assert math.isnan(metrics.recall_at_k(found, 0, k=3))
    assert metrics.recall_at_k([], 2, k=3) == 0
    with pytest.raises(ValueError, match="k must"):
        metrics.recall_at_k(found, 3, k=0)


def test_reciprocal_rank_by_hand() -> None:
    nothing = frozenset[int]()

    assert metrics.reciprocal_rank([nothing, frozenset({1})], 2) == 0.5
    assert metrics.reciprocal_rank([nothing, nothing], 2) == 0
    assert math.isnan(metrics.reciprocal_rank([nothing], 0))


@given(
    st.lists(st.frozensets(st.integers(0, 4), max_size=5), max_size=10),
    st.integers(1, 10),
)
def test_recall_grows_with_k(found: list[frozenset[int]], k: int) -> None:
    assert 0 <= metrics.recall_at_k(found, 5, k) <= metrics.recall_at_k(found, 5, k + 1) <= 1
