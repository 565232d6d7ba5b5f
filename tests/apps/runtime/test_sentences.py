"""Sentences of prose, Markdown and PDF pages."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.runtime.sentences import sentences

MARKDOWN = """\
# Install

First, get the files. Then run this command:

```bash
make setup
# not a heading
```

- Python 3.11
- make, e.g. GNU make. Any version.

| port | use |
|------|-----|
| 8080 | web |
<br>
See the guide."""


def found(text: str) -> list[tuple[str, str]]:
    return [(sentence.kind, sentence.text) for sentence in sentences(text)]


def test_markdown_falls_into_its_parts() -> None:
    assert found(MARKDOWN) == [
        ("heading", "# Install"),
        ("prose", "First, get the files."),
        ("prose", "Then run this command:"),
        ("code", "```bash\nmake setup\n# not a heading\n```"),
        ("item", "- Python 3.11"),
        ("item", "- make, e.g. GNU make."),
        ("item", "Any version."),
        ("row", "| port | use |"),
        ("row", "| 8080 | web |"),
        ("markup", "<br>"),
        ("prose", "See the guide."),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith came. He left.", ["Dr. Smith came.", "He left."]),
        ("It costs 3.50 euros. Good.", ["It costs 3.50 euros.", "Good."]),
        ("See Fig. 3 of the report. Done.", ["See Fig. 3 of the report.", "Done."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("Really? Yes! OK.", ["Really?", "Yes!", "OK."]),
        ("今日は晴れ。明日は雨。", ["今日は晴れ。", "明日は雨。"]),
        ("Walter C. Wingfield played.", ["Walter C. Wingfield played."]),
        ("no end", ["no end"]),
    ],
)
def test_prose_is_cut_at_sentence_ends(text: str, expected: list[str]) -> None:
    assert [sentence.text for sentence in sentences(text)] == expected


def test_lines_of_a_page_are_joined() -> None:
    page = "Tennis is believed to have originated during\n12th or 13th century in France. It was\nplayed early."

    assert [sentence.text for sentence in sentences(page)] == [
        "Tennis is believed to have originated during\n12th or 13th century in France.",
        "It was\nplayed early.",
    ]


def test_a_title_on_a_page_stands_alone() -> None:
    page = "The lines should have a contrasting colour that is easily seen.\nTeam Size\nSingles has one player on each side of the court."

    assert [sentence.text for sentence in sentences(page)][1] == "Team Size"


@given(st.text(alphabet="ab. \n#-|`*A1", max_size=200))
def test_sentences_are_exact_ordered_and_leave_no_word_out(text: str) -> None:
    parts = sentences(text)

    assert all(text[part.start : part.end] == part.text.strip() == part.text for part in parts)
    assert all(left.end <= right.start for left, right in pairwise(parts))
    covered = {place for part in parts for place in range(part.start, part.end)}
    letters = {place for place, char in enumerate(text) if char in "abA1"}
    assert letters <= covered
