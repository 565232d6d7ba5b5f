"""A reply's way through the database: claimed by one process, kept up to date, ended once.

pending -> streaming (one conditional update wins) -> complete | stopped | failed | interrupted
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.chat.attachments import discard, stored
from apps.chat.enums import MessageStatus, Role
from apps.chat.errors import ReplyCrashed, ReplyInterrupted
from apps.chat.gateway import gateway
from apps.chat.models import ChatAttachment, ChatMessage
from apps.chat.process import is_dead, this_process
from apps.chat.queries import turns_before
from apps.runtime.errors import StudioError
from apps.runtime.media import Media
from apps.runtime.resources import RunRequest, Sampling

if TYPE_CHECKING:
    from apps.accounts.models import User

log = structlog.get_logger(__name__)

STALE_AFTER_S = 12.0
"""A streaming reply without a sign of life for this long has lost its process."""


@dataclass(frozen=True, slots=True)
class Work:
    """A reply that this process has claimed, with all that writing it takes."""

    reply: ChatMessage
    prepared: Any
    request: RunRequest


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reply ended. error: why it did not complete, if it did not; media: sound made of it; heard:
    what was said in a spoken question."""

    status: MessageStatus
    text: str
    citations: list[dict[str, Any]] = field(default_factory=list)
    trace: list[dict[str, Any]] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    generated: bool = True
    error: StudioError | None = None
    media: tuple[Media, ...] = ()
    heard: str = ""


def claim_reply(*, reply: ChatMessage, by: User) -> Work | None:
    """Take a pending reply; None if another request or process was faster, or it cannot be written:
    then the row says why. The caller must have the work written."""
    try:
        prepared = gateway().prepare(by, reply.session.app_key)
    except StudioError as error:
        refuse_reply(reply=reply, error=error)
        return None
    except Exception:  # a reply that stays pending would block its conversation
        log.exception("chat.prepare-crashed", reply=str(reply.pk))
        refuse_reply(reply=reply, error=ReplyCrashed())
        return None
    turns = turns_before(reply.session_id, reply.ordinal)
    now = timezone.now()
    taken = ChatMessage.objects.filter(pk=reply.pk, status=MessageStatus.PENDING).update(
        status=MessageStatus.STREAMING, claimed_by=this_process(), heartbeat_at=now
    )
    if not taken:
        return None
    reply.status, reply.claimed_by, reply.heartbeat_at = (
        MessageStatus.STREAMING,
        this_process(),
        now,
    )
    return Work(reply, prepared, RunRequest(turns, Sampling(**reply.sampling), reply.fields))


def refuse_reply(*, reply: ChatMessage, error: StudioError) -> None:
    ChatMessage.objects.filter(pk=reply.pk, status=MessageStatus.PENDING).update(
        status=MessageStatus.FAILED,
        error_code=error.code,
        error_message=str(error),
        finished_at=timezone.now(),
    )


def finish_reply(*, reply: ChatMessage, outcome: Outcome) -> bool:
    """Write how a claimed reply ended, in one update; False if it is not ours any more (deleted, or
    taken for dead)."""
    values: dict[str, Any] = {
        "status": outcome.status,
        "content": outcome.text,
        "citations": outcome.citations,
        "trace": outcome.trace,
        "usage": outcome.usage,
        "model": outcome.model,
        "generated": outcome.generated,
        "error_code": outcome.error.code if outcome.error else "",
        "error_message": str(outcome.error) if outcome.error else "",
        "finished_at": timezone.now(),
    }
    attached = stored(reply, outcome.media)
    if attached:
        values["media_count"] = len(attached)
    for name, value in values.items():
        setattr(reply, name, value)
    try:
        if _written(reply, values, attached, outcome.heard):
            return True
    except DatabaseError:
        discard(row.file.name for row in attached)
        raise
    discard(row.file.name for row in attached)
    return False


def _written(
    reply: ChatMessage, values: dict[str, Any], attached: list[ChatAttachment], heard: str
) -> bool:
    mine = ChatMessage.objects.filter(
        pk=reply.pk, status=MessageStatus.STREAMING, claimed_by=this_process()
    )
    if not attached and not heard:
        return bool(mine.update(**values))
    with transaction.atomic():
        if not mine.update(**values):
            return False
        ChatAttachment.objects.bulk_create(attached)
        if heard:
            _keep_heard(reply, heard)
    return True


def _keep_heard(reply: ChatMessage, heard: str) -> None:
    """A spoken question gets its words, so that people can read it and later questions build on it."""
    before = ChatMessage.objects.filter(
        session_id=reply.session_id, ordinal__lt=reply.ordinal, role=Role.USER
    )
    question = before.order_by("-ordinal").first()
    if question and not question.content:
        ChatMessage.objects.filter(pk=question.pk).update(content=heard)


@transaction.atomic
def keep_replies(*, texts: dict[UUID, str]) -> None:
    """Save the text so far of replies that this process writes, and that it lives.

    One statement with many parameter sets: the ORM's update for each of 200 streams every second was
    the largest single cost beside them.
    """
    table, prepare = ChatMessage._meta, ChatMessage._meta.pk.get_db_prep_value
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    ours = (MessageStatus.STREAMING.value, this_process())
    with connection.cursor() as cursor:
        cursor.executemany(
            f'UPDATE "{table.db_table}" SET content = %s, heartbeat_at = %s'  # noqa: S608 - our table
            " WHERE id = %s AND status = %s AND claimed_by = %s",
            [(text, now, prepare(pk, connection), *ours) for pk, text in texts.items()],
        )


def stops_requested() -> list[UUID]:
    """Replies of this process that somebody stopped through another process."""
    return list(
        ChatMessage.objects.filter(
            status=MessageStatus.STREAMING, claimed_by=this_process(), stop_requested=True
        ).values_list("pk", flat=True)
    )


def interrupt_dead() -> int:
    """At the start of a process: mark replies whose process ended in the middle. Returns how many."""
    streaming = ChatMessage.objects.filter(status=MessageStatus.STREAMING)
    names = streaming.order_by().values_list("claimed_by", flat=True).distinct()
    return _interrupt(name for name in names if is_dead(name)) + interrupt_stale()


def interrupt_stale() -> int:
    """Mark replies without a sign of life, of whatever process on whatever host."""
    limit = timezone.now() - timedelta(seconds=STALE_AFTER_S)
    return _mark(ChatMessage.objects.filter(heartbeat_at__lt=limit))


def _interrupt(names: Iterable[str]) -> int:
    return _mark(ChatMessage.objects.filter(claimed_by__in=list(names)))


def _mark(rows: Any) -> int:
    error = ReplyInterrupted()
    return int(
        rows.filter(status=MessageStatus.STREAMING).update(
            status=MessageStatus.INTERRUPTED,
            error_code=error.code,
            error_message=str(error),
            finished_at=timezone.now(),
        )
    )
