from __future__ import annotations

from apps.knowledge.domain.chunk_ids import new_chunk_id

CHUNKS = [("a.md", 0, "Leave"), ("a.md", 1, "Leave"), ("b.md", 0, "Leave"), ("b.md", 0, "Travel")]


def test_order_of_ids_is_the_same_each_time_a_document_is_indexed() -> None:
    first, second = ({chunk: new_chunk_id(*chunk) for chunk in CHUNKS} for _ in range(2))

    assert sorted(CHUNKS, key=lambda chunk: str(first[chunk])) == sorted(
        CHUNKS, key=lambda chunk: str(second[chunk])
    )


def test_same_content_gets_another_id_each_time() -> None:
    assert len({new_chunk_id("a.md", 0, "Leave") for _ in range(100)}) == 100


def test_text_that_is_not_whole_unicode_has_an_id() -> None:
    assert (
        new_chunk_id("a.md", 0, "\udc80").bytes[:8] == new_chunk_id("a.md", 0, "\udc80").bytes[:8]
    )
