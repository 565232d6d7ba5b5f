from __future__ import annotations

from apps.chat.queries import turns_of


def _turns(*rows: tuple[str, str, str, bool]) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in turns_of((*row, ()) for row in reversed(rows))]


def test_turns_alternate_and_end_with_the_question() -> None:
    assert _turns(
        ("user", "one", "complete", False),
        ("assistant", "first", "complete", False),
        ("user", "two", "complete", False),
    ) == [("user", "one"), ("assistant", "first"), ("user", "two")]


def test_question_without_words_in_reply_is_left_out() -> None:
    assert _turns(
        ("user", "one", "complete", False),
        ("assistant", "", "failed", False),
        ("user", "two", "complete", False),
        ("assistant", "partly", "failed", False),
        ("user", "three", "complete", False),
    ) == [("user", "three")]


def test_stopped_and_interrupted_words_count() -> None:
    assert _turns(
        ("user", "one", "complete", False),
        ("assistant", "half", "stopped", False),
        ("user", "two", "complete", False),
    ) == [("user", "one"), ("assistant", "half"), ("user", "two")]


def test_superseded_reply_is_forgotten() -> None:
    assert _turns(
        ("user", "one", "complete", False),
        ("assistant", "old", "complete", True),
        ("assistant", "new", "complete", False),
        ("user", "two", "complete", False),
    ) == [("user", "one"), ("assistant", "new"), ("user", "two")]


def test_conversation_cut_at_a_reply_begins_with_a_question() -> None:
    assert _turns(
        ("assistant", "orphan", "complete", False),
        ("user", "two", "complete", False),
    ) == [("user", "two")]
