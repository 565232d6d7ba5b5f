"""Pieces are exact, cover the text, and end where a reader would end them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.runtime.chunking import Block, ChunkText, chunk_blocks, indexed_text

TEXTS = st.text(alphabet="ab.é \n!#字", max_size=120)
PARTS = st.lists(st.tuples(TEXTS, st.sampled_from(["", "A", "A › B"])), max_size=25)


def blocks_of(parts: list[tuple[str, str]]) -> list[Block]:
    blocks, start = [], 0
    for number, (text, heading) in enumerate(parts):
        blocks.append(Block(text, page=number, heading=heading, start=start))
        start += len(text)
    return blocks


def cut(text: str, size: int = 100, overlap: int = 20) -> list[ChunkText]:
    return list(chunk_blocks([Block(text)], size, overlap))


@settings(max_examples=300, deadline=None)
@given(PARTS, st.integers(1, 90), st.integers(0, 60))
def test_pieces_are_exact_bounded_and_leave_nothing_out(
    parts: list[tuple[str, str]], size: int, overlap: int
) -> None:
    whole = "".join(text for text, _ in parts)
    chunks = list(chunk_blocks(blocks_of(parts), size, overlap))
    covered = {place for chunk in chunks for place in range(chunk.start, chunk.end)}

    assert all(chunk.text == whole[chunk.start : chunk.end] for chunk in chunks)
    assert all(0 < len(chunk.text) <= size for chunk in chunks)
    assert all(chunk.text == chunk.text.strip() for chunk in chunks)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    assert all(a.start < b.start and a.end < b.end for a, b in pairwise(chunks))
    assert {place for place, char in enumerate(whole) if not char.isspace()} <= covered


@settings(max_examples=60, deadline=None)
@given(PARTS, st.integers(20, 90))
def test_pieces_know_the_block_they_begin_in(parts: list[tuple[str, str]], size: int) -> None:
    blocks = blocks_of(parts)
    for chunk in chunk_blocks(blocks, size, 10):
        block = next(b for b in reversed(blocks) if b.start <= chunk.start and b.text)
        assert (chunk.page, chunk.heading) == (block.page, block.heading)


def test_no_text_no_pieces() -> None:
    assert cut(" \n ") == []


def test_a_short_text_is_one_piece() -> None:
    assert cut("One line.\n") == [ChunkText(0, "One line.", 0, 9)]


def test_a_section_begins_a_piece_and_shares_nothing() -> None:
    blocks = blocks_of([("a" * 60 + "\n", "A"), ("## B\nnew section " + "b" * 60, "B")])

    first, second = chunk_blocks(blocks, 100, 30)

    assert first.text == "a" * 60
    assert second.text.startswith("## B")
    assert second.heading == "B"


def test_tiny_sections_share_a_piece() -> None:
    blocks = blocks_of([(f"# {name}\nshort.\n", name) for name in "ABC"])

    assert len(list(chunk_blocks(blocks, 100, 0))) == 1


def test_a_blank_line_is_preferred_to_a_sentence() -> None:
    text = "First paragraph is here, it goes on a bit.\n\n" + "Then. " * 20

    assert cut(text, 80, 0)[0].text == "First paragraph is here, it goes on a bit."


def test_a_sentence_is_preferred_to_a_word() -> None:
    text = "The first sentence ends about here, near sixty. The second one is far too long for it."

    assert cut(text, 80, 0)[0].text == "The first sentence ends about here, near sixty."


def test_the_overlap_starts_with_a_whole_sentence() -> None:
    text = "One is here. Two is here. Three is here. Four is here. Five is here."

    second = cut(text, 40, 16)[1]

    assert second.text.startswith("Three is here.")


def test_text_without_spaces_is_cut_hard() -> None:
    assert [len(chunk.text) for chunk in cut("字" * 250, 100, 0)] == [100, 100, 50]


def test_bad_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        cut("text", 0, 0)


def test_memory_does_not_grow_with_the_document() -> None:
    def document(count: int) -> Iterator[Block]:
        text = "Some words that make a paragraph of fair length.\n\n"
        for number in range(count):
            yield Block(text, start=number * len(text))

    tracemalloc.start()
    for _ in chunk_blocks(document(40_000), 800, 120):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 1_000_000


def test_indexed_text_leads_with_name_and_heading() -> None:
    assert indexed_text("guides/hr_leave.md", "Parents", "Six weeks.") == (
        "guides hr leave › Parents\nSix weeks."
    )
