"""A cited passage as the reader opens it: the quoted words, and what stands before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from apps.knowledge.models import Chunk
from apps.knowledge.queries import documents_for

if TYPE_CHECKING:
    from apps.accounts.models import User


@dataclass(frozen=True, slots=True)
class PassageInContext:
    """head + quote + tail is the passage as the answer was given it; before and after are the
    document's words around it, empty where the document has changed or gone.

    current   whether the document still says so
    """

    before: str
    head: str
    quote: str
    tail: str
    after: str
    current: bool


def passage_in_context(citation: dict[str, Any], *, user: User) -> PassageInContext:
    """citation: as a message keeps it. Two queries."""
    passage = citation["passage"]
    text, start, end = passage["text"], citation["quote_start"], citation["quote_end"]
    if not end:
        start, end = 0, len(text)
    around = _neighbours(passage, user)
    here = around.get(passage["ordinal"])
    current = here is not None and here.text == text
    before = after = ""
    if current and (previous := around.get(passage["ordinal"] - 1)):
        before = previous.text[: max(0, passage["start"] - previous.start)]
        before += _gap(previous.end, passage["start"])
    if current and (following := around.get(passage["ordinal"] + 1)):
        after = following.text[max(0, passage["end"] - following.start) :]
        after = _gap(passage["end"], following.start) + after
    return PassageInContext(before, text[:start], text[start:end], text[end:], after, current)


def _gap(end: int, start: int) -> str:
    """What stood between two chunks: white space, which chunks are cut free of."""
    return "\n" * min(2, max(0, start - end))


def _neighbours(passage: dict[str, Any], user: User) -> dict[int, Chunk]:
    """The passage and those beside it, by ordinal; nothing of documents the reader may not open."""
    try:
        document_id = UUID(passage["document_id"])
    except ValueError:
        return {}
    if not documents_for(user).filter(pk=document_id).exists():
        return {}
    ordinal = passage["ordinal"]
    rows = Chunk.objects.filter(
        document_id=document_id, ordinal__range=(max(0, ordinal - 1), ordinal + 1)
    ).defer("embedding")
    return {row.ordinal: row for row in rows}
