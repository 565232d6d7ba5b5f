"""Conversations: begin, ask, stop, rate. How replies come about is in `replies.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Case, Value, When
from django.utils import timezone

from apps.chat.attachments import discard, judged, stored
from apps.chat.enums import ACTIVE, MessageStatus, Role
from apps.chat.errors import NotRepeatable, QuestionRefused, ReplyInProgress
from apps.chat.gateway import gateway
from apps.chat.live import registry
from apps.chat.models import ChatAttachment, ChatMessage, ChatSession
from apps.runtime.media import Media

if TYPE_CHECKING:
    from apps.accounts.models import User

QUESTION_LIMIT = 32_000
"""Characters; more is a document, and belongs into a collection."""
TITLE_LENGTH = 80
FIELDS, FIELD_CHARS = 10, 200


def start_session(*, by: User, app_key: str) -> ChatSession:
    """Begin a conversation. Raises AppNotFound unless the person may talk to that application."""
    app = gateway().app_for(by, app_key)
    return ChatSession.objects.create(owner=by, app_key=app.key)


def ask(
    *,
    session: ChatSession,
    text: str,
    sampling: dict[str, Any] | None = None,
    fields: Mapping[str, str] | None = None,
    media: Sequence[Media] = (),
) -> tuple[ChatMessage, ChatMessage]:
    """Store a question and its pending reply; the first to open the reply's stream has it written.

    sampling   values that differ from the application's own, by parameter name
    fields     what is asked for beside the words, by the names of the application's `fields`
    media      files that come with it; with them, it needs no text
    Raises QuestionRefused if there is nothing or too much, AttachmentRefused for a file that the
    application does not take, ReplyInProgress if the last reply has not ended.
    """
    text = text.replace("\x00", "").strip()
    if not text and not media:
        raise QuestionRefused(reason="it is empty.")
    if len(text) > QUESTION_LIMIT:
        raise QuestionRefused(
            reason=f"it has {len(text):,} characters, {QUESTION_LIMIT:,} are allowed. Upload long "
            "texts as a document."
        )
    question, reply = new_turn(session, 0, text, sampling or {})
    question.fields = reply.fields = bounded_fields(fields or {})
    attached: list[ChatAttachment] = []
    if media:
        media = judged(media, gateway().app_for(session.owner, session.app_key))
        question.media_count = len(media)
        attached = stored(question, media)
    try:
        return _ask(session, question, reply, attached)
    except Exception as error:
        discard(row.file.name for row in attached)
        if isinstance(error, IntegrityError):
            raise ReplyInProgress from error
        raise


def bounded_fields(fields: Mapping[str, str]) -> dict[str, str]:
    """As much of them as is kept; what an application does not ask for, nobody reads."""
    kept = list(fields.items())[:FIELDS]
    return {name[:FIELD_CHARS]: value.replace("\x00", "")[:FIELD_CHARS] for name, value in kept}


@transaction.atomic
def _ask(
    session: ChatSession,
    question: ChatMessage,
    reply: ChatMessage,
    attached: Sequence[ChatAttachment],
) -> tuple[ChatMessage, ChatMessage]:
    named = next((row.name for row in attached if row.name), "Spoken question")
    _touch(session, title=question.content or named)
    last = session.messages.order_by("-ordinal").values_list("ordinal", "status").first()
    if last and last[1] in ACTIVE:
        raise ReplyInProgress
    question.ordinal = last[0] + 1 if last else 0
    reply.ordinal = question.ordinal + 1
    ChatMessage.objects.bulk_create([question, reply])
    ChatAttachment.objects.bulk_create(attached)
    return question, reply


def new_turn(
    session: ChatSession, ordinal: int, text: str, sampling: dict[str, Any]
) -> tuple[ChatMessage, ChatMessage]:
    """A question and its pending reply, not saved yet."""
    question = ChatMessage(session=session, ordinal=ordinal, role=Role.USER, content=text)
    reply = ChatMessage(
        session=session,
        ordinal=ordinal + 1,
        role=Role.ASSISTANT,
        status=MessageStatus.PENDING,
        sampling=sampling,
    )
    return question, reply


@transaction.atomic
def ask_again(*, reply: ChatMessage, sampling: dict[str, Any] | None = None) -> ChatMessage:
    """A new pending reply to the same question; the old one stays, marked superseded.

    Raises NotRepeatable unless it is the last message of its conversation and has ended.
    """
    _touch(reply.session)
    last = reply.session.messages.order_by("-ordinal").first()
    if last is None or last.pk != reply.pk or last.is_active or not last.is_reply:
        raise NotRepeatable
    ChatMessage.objects.filter(pk=last.pk).update(superseded=True)
    return ChatMessage.objects.create(
        session=reply.session,
        ordinal=last.ordinal + 1,
        role=Role.ASSISTANT,
        status=MessageStatus.PENDING,
        sampling=last.sampling if sampling is None else sampling,
        fields=last.fields,
    )


def _touch(session: ChatSession, title: str = "") -> None:
    """Also the lock that makes writers of one conversation take turns."""
    line = title_of(title)
    ChatSession.objects.filter(pk=session.pk).update(
        updated_at=timezone.now(),
        title=Case(When(title="", then=Value(line)), default="title"),
    )
    session.title = session.title or line


def title_of(question: str) -> str:
    """What a conversation is called after its first question."""
    line = " ".join(question.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"


def stop_reply(*, reply: ChatMessage) -> None:
    """Stop a reply, whichever process writes it; one that nobody writes yet ends here and now."""
    ended = ChatMessage.objects.filter(pk=reply.pk, status=MessageStatus.PENDING).update(
        status=MessageStatus.STOPPED, finished_at=timezone.now()
    )
    if ended:
        return
    ChatMessage.objects.filter(pk=reply.pk, status=MessageStatus.STREAMING).update(
        stop_requested=True
    )
    registry.stop_soon(reply.pk)


def rate_reply(*, reply: ChatMessage, rating: int) -> ChatMessage:
    """1 good, -1 bad, 0 takes it back."""
    ChatMessage.objects.filter(pk=reply.pk).update(rating=rating)
    reply.rating = rating
    return reply


def rename_session(*, session: ChatSession, title: str) -> ChatSession:
    ChatSession.objects.filter(pk=session.pk).update(title=title)
    session.title = title
    return session


def delete_session(*, session: ChatSession) -> None:
    """Delete a conversation; a reply that is being written in it is stopped."""
    active = list(session.messages.filter(status__in=ACTIVE).values_list("pk", flat=True))
    session.delete()
    for pk in active:
        registry.stop_soon(pk)
