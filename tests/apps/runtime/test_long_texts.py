"""Where long texts are cut, and several blocks of code that become one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.runtime.long_texts import Divided, Unfenced, cut, tokens_in
from apps.runtime.resources import Turn

TEXT = st.text("ab. \n#{}()`", max_size=400)


@given(TEXT, st.integers(5, 60), st.sampled_from(["text", "code"]))
def test_parts_are_the_text_and_never_too_long(text: str, size: int, kind: str) -> None:
    parts = list(cut(text, size, kind))  # type: ignore[arg-type]

    assert "".join(part.text + part.joint for part in parts) == text
    assert all(len(part.text) <= size for part in parts)
    assert all(part.joint.isspace() or not part.joint for part in parts)


@pytest.mark.parametrize(
    ("text", "size", "parts"),
    [
        ("One. Two.\n\nThree. Four.\n\nFive.", 24, ["One. Two.\n\nThree. Four.", "Five."]),
        ("One two. Three four. Five", 22, ["One two. Three four.", "Five"]),
        ("one two three four", 10, ["one two", "three four"]),
        ("wholeword", 4, ["whol", "ewor", "d"]),
        ("一二。三四。五", 4, ["一二。", "三四。五"]),
    ],
)
def test_best_border_of_a_text(text: str, size: int, parts: list[str]) -> None:
    assert [part.text for part in cut(text, size, "text")] == parts


def test_code_is_cut_between_blocks_at_the_outermost_level() -> None:
    code = "def a():\n    x\n\n    y\n\ndef b():\n    z\n"

    assert [part.text for part in cut(code, 34, "code")] == [
        "def a():\n    x\n\n    y",
        "def b():\n    z\n",
    ]
    braces = "int a() {\n  x;\n}\nint b() {\n  y;\n}\n"
    assert [part.text for part in cut(braces, 24, "code")] == [
        "int a() {\n  x;\n}",
        "int b() {\n  y;\n}\n",
    ]


def test_without_a_limit_nothing_is_cut() -> None:
    divided = Divided.of("word " * 5_000, "text", lambda part, before: (Turn("user", part),))

    assert len(divided.parts(None)) == 1
    assert len(divided.parts(100_000)) == 1
    assert len(divided.parts(1_000)) == 13


def test_what_was_before_is_shown_from_the_beginning_of_a_sentence() -> None:
    divided = Divided.of("text", "text", lambda part, before: (Turn("user", part),))

    assert divided.tail("Short.") == "Short."
    assert divided.tail("First one. " * 50 + "Last one.") == "First one. " * 26 + "Last one."


def test_scripts_of_words_take_more_tokens() -> None:
    assert (tokens_in("abcd"), tokens_in("даже"), tokens_in("中文中文")) == (1, 2, 4)


def joined(parts: list[str], joint: str, size: int) -> str:
    unfenced, shown = Unfenced(), ""
    for number, part in enumerate(parts, start=1):
        for at in range(0, len(part), size):
            shown += unfenced.feed(part[at : at + size])
        if number < len(parts):
            shown += unfenced.part_ends(joint)
    return shown + unfenced.end()


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (["```go\na\n```", "```go\nb\n```"], "```go\na\n\nb\n```"),
        (
            ["```go\na\n```\n\nNote 1.", "```\nb\n```\nNote 2."],
            "```go\na\n\nb\n```\n\nNote 1.\nNote 2.",
        ),
        (["a", "b"], "a\n\nb"),
        (["a\n", "```\nb\n```"], "a\n\nb\n"),
        (["```go\na", "b"], "```go\na\n\nb\n```"),
        (["\n```go\na `x` ``\n```", "```go\nb"], "```go\na `x` ``\n\nb\n```"),
    ],
)
def test_blocks_become_one_however_they_arrive(parts: list[str], whole: str, size: int) -> None:
    assert joined(parts, "\n\n", size) == whole
