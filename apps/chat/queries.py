from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet, prefetch_related_objects

from apps.chat.attachments import remembered
from apps.chat.enums import MessageStatus, Role
from apps.chat.models import ChatAttachment, ChatMessage, ChatSession
from apps.runtime.media import Media
from apps.runtime.resources import Turn

if TYPE_CHECKING:
    from apps.accounts.models import User

TURNS = 40
"""Messages of a conversation that a model is given; older ones are left out."""


def sessions_for(user: User) -> QuerySet[ChatSession]:
    """A person's own conversations; nobody reads those of others, administrators included."""
    return ChatSession.objects.filter(owner=user)


def messages_for(user: User) -> QuerySet[ChatMessage]:
    return ChatMessage.objects.filter(session__owner=user)


def replies_for(user: User) -> QuerySet[ChatMessage]:
    return messages_for(user).filter(role=Role.ASSISTANT)


def attachments_for(user: User) -> QuerySet[ChatAttachment]:
    """Files of a person's own conversations."""
    return ChatAttachment.objects.filter(message__session__owner=user)


def latest_messages(
    session: ChatSession, *, before: int | None = None, count: int = 30
) -> tuple[list[ChatMessage], bool]:
    """The last messages (of those with a smaller ordinal than `before`), oldest first, and whether
    there are older ones. Attachments are read along where there are any."""
    rows = session.messages.order_by("-ordinal")
    if before is not None:
        rows = rows.filter(ordinal__lt=before)
    found = list(rows[: count + 1])
    prefetch_related_objects([row for row in found if row.media_count], "attachments")
    return found[:count][::-1], len(found) > count


def turns_before(session_id: UUID, ordinal: int) -> list[Turn]:
    """The conversation as a model is told it, up to the question that `ordinal` answers."""
    rows = ChatMessage.objects.filter(session_id=session_id, ordinal__lt=ordinal)
    known = ("role", "content", "status", "superseded", "ordinal", "media_count")
    newest_first = list(rows.order_by("-ordinal").only(*known)[:TURNS])
    media = remembered([row for row in newest_first if row.role == Role.USER])
    return turns_of(
        (row.role, row.content, row.status, row.superseded, media.get(row.ordinal, ()))
        for row in newest_first
    )


def turns_of(newest_first: Iterable[tuple[str, str, str, bool, tuple[Media, ...]]]) -> list[Turn]:
    """Turns, oldest first, of rows (role, content, status, superseded, media).

    Questions that got no words in reply are left out, the newest one excepted: many servers insist on
    user and assistant taking turns.
    """
    turns: list[Turn] = []
    for role, content, status, superseded, media in newest_first:
        if role == Role.USER:
            if not turns or turns[-1].role == "assistant":
                turns.append(Turn("user", content, media))
        elif superseded or not content or status == MessageStatus.FAILED:
            continue
        elif turns and turns[-1].role == "user":
            turns.append(Turn("assistant", content))
    while turns and turns[-1].role == "assistant":
        turns.pop()
    return turns[::-1]
