"""Which questions lean on the one before."""

from __future__ import annotations

import pytest

from apps.runtime.followup import leans, standalone
from apps.runtime.resources import Turn

HISTORY = (Turn("user", "How do I install Helm?"), Turn("assistant", "With apt. [1]"))


@pytest.mark.parametrize(
    "question",
    [
        "And on macOS?",
        "How do I remove it?",
        "Why?",
        "What about Windows servers?",
        "Does it need a password for root users?",
        "Who wrote that?",
        "Which versions of those are supported by the cluster?",
    ],
)
def test_leaning_questions(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of France and its history?".replace(" and its history", " today"),
        "Which command prints the version that the server runs?",
        "Is it possible to change the administrator password later?",
        "How many days of leave do new employees get?",
    ],
)
def test_standing_questions(question: str) -> None:
    assert not leans(question)


def test_a_leaning_question_is_led_by_the_one_before() -> None:
    assert standalone("How do I remove it?", HISTORY) == (
        "How do I install Helm?\nHow do I remove it?"
    )


def test_a_first_question_stays_as_it_is() -> None:
    assert standalone("Why?", ()) == "Why?"
