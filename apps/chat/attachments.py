"""Files that come with questions and replies: judged by their content, stored, read again for the model."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.chat.enums import MediaKind
from apps.chat.errors import AttachmentRefused, QuestionRefused
from apps.chat.gateway import ChatApp
from apps.chat.models import ChatAttachment, ChatMessage
from apps.knowledge.domain.media import inspect
from apps.runtime.errors import StudioError
from apps.runtime.media import Media, recognised

COUNT = 4
"""Files of one question."""
MIB = 1024 * 1024
LIMITS_MIB: Final = {MediaKind.IMAGE: 10, MediaKind.AUDIO: 25, MediaKind.DOCUMENT: 20}
"""Of one file. Pictures travel to the model as base64; transcription interfaces take 25 MiB."""
NAME_CHARS = 200
REMEMBERED = 4
"""Pictures of earlier questions that a model sees again, the latest ones."""
_UNSAFE = re.compile(r"[\x00-\x1f\x7f<>:\"/\\|?*]+")
_TAKEN: Final = {"image": "pictures", "audio": "sound", "document": "documents"}


def judged(media: Sequence[Media], app: ChatApp) -> tuple[Media, ...]:
    """The files as they are by their content. Raises QuestionRefused or AttachmentRefused."""
    if len(media) > COUNT:
        raise QuestionRefused(reason=f"it has {len(media)} files, {COUNT} are allowed.")
    return tuple(_judged(one, app) for one in media)


def stored(message: ChatMessage, media: Iterable[Media]) -> list[ChatAttachment]:
    """Rows that are not saved yet, their files in storage. What fails leaves no file."""
    rows: list[ChatAttachment] = []
    try:
        for ordinal, one in enumerate(media):
            row = ChatAttachment(
                message=message,
                ordinal=ordinal,
                kind=one.kind,
                mime=one.mime,
                name=safe_name(one.name),
                size_bytes=len(one.data),
            )
            row.file.save("", ContentFile(one.data), save=False)
            rows.append(row)
    except OSError as error:
        discard(row.file.name for row in rows)
        reason = f"it cannot be stored: {error.strerror or error}"
        raise AttachmentRefused(name="A file", reason=reason) from error
    return rows


def discard(names: Iterable[str | None]) -> None:
    """Delete stored files, and their folders where they were the last; those that are gone already do
    no harm."""
    for name in filter(None, names):
        with suppress(OSError):
            default_storage.delete(name)
            default_storage.delete(name.rpartition("/")[0])


def media_of(rows: Iterable[ChatAttachment]) -> tuple[Media, ...]:
    """The files with their bytes; one whose file is gone from storage is left out."""
    found = []
    for row in rows:
        with suppress(OSError), row.file.open("rb") as file:
            found.append(Media(row.mime, file.read(), row.name))
    return tuple(found)


def remembered(newest_first: Sequence[ChatMessage]) -> dict[int, tuple[Media, ...]]:
    """By ordinal: the newest question's files, and the latest pictures of those before it."""
    rows = [one for one in newest_first if one.media_count]
    if not rows:
        return {}
    kept: dict[int, list[ChatAttachment]] = {}
    left = REMEMBERED
    attached = ChatAttachment.objects.filter(message__in=rows).select_related("message")
    for row in attached.order_by("-message__ordinal", "ordinal"):
        newest = row.message_id == newest_first[0].pk
        if not newest and (row.kind != MediaKind.IMAGE or not left):
            continue
        left -= not newest
        kept.setdefault(row.message.ordinal, []).append(row)
    return {ordinal: media_of(found) for ordinal, found in kept.items()}


def safe_name(name: str) -> str:
    """The last part of a name, without what file systems and headers do not take."""
    return _UNSAFE.sub(" ", name.replace("\\", "/").rpartition("/")[2]).strip(" .")[:NAME_CHARS]


def _judged(media: Media, app: ChatApp) -> Media:
    name = safe_name(media.name) or "The file"
    if not media.data:
        raise AttachmentRefused(name=name, reason="it is empty")
    mime = recognised(media.data) or _document(media, name)
    found = Media(mime, media.data, safe_name(media.name))
    if found.kind not in app.takes:
        takes = " and ".join(_TAKEN[kind] for kind in app.takes) or "no files"
        raise AttachmentRefused(name=name, reason=f"{app.title} takes {takes}")
    limit = LIMITS_MIB[MediaKind(found.kind)]
    if len(media.data) > limit * MIB:
        raise AttachmentRefused(name=name, reason=f"it is larger than {limit} MiB")
    return found


def _document(media: Media, name: str) -> str:
    with tempfile.NamedTemporaryFile(prefix="attached-") as copy:
        copy.write(media.data)
        copy.flush()
        try:
            return str(inspect(Path(copy.name), media.name or "document.txt"))
        except StudioError as error:
            raise AttachmentRefused(name=name, reason=str(error).rstrip(".")) from error
