"""Files of attachments go with their rows; what a crash left behind is swept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from apps.chat.attachments import discard
from apps.chat.models import ATTACHMENTS, ChatAttachment

log = structlog.get_logger(__name__)

GRACE: Final = timedelta(hours=1)
"""Younger files may belong to a row that is not committed yet."""
FOLDERS_AT_ONCE: Final = 500


def discard_with(*, instance: ChatAttachment, **_: Any) -> None:
    """Called after a row is deleted; its file goes once that is committed."""
    name = instance.file.name
    transaction.on_commit(lambda: discard([name]))


def sweep_orphans() -> int:
    """Delete stored attachments that no row refers to. Returns how many."""
    try:
        folders, _ = default_storage.listdir(ATTACHMENTS)
    except FileNotFoundError:
        return 0
    limit = timezone.now() - GRACE
    found = 0
    for group in _groups(sorted(name for name in folders if _is_message(name))):
        rows = ChatAttachment.objects.filter(message__in=[UUID(name) for name in group])
        kept = set(rows.values_list("file", flat=True))
        lost = [name for name in _files(group) if name not in kept and _is_older(name, limit)]
        discard(lost)
        found += len(lost)
        for folder in group:
            with suppress(OSError):  # one that is not empty stays
                default_storage.delete(f"{ATTACHMENTS}/{folder}")
    if found:
        log.info("chat.orphans-deleted", count=found)
    return found


def _groups(names: list[str]) -> Iterator[list[str]]:
    for begin in range(0, len(names), FOLDERS_AT_ONCE):
        yield names[begin : begin + FOLDERS_AT_ONCE]


def _files(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        with suppress(OSError):
            for name in default_storage.listdir(f"{ATTACHMENTS}/{folder}")[1]:
                yield f"{ATTACHMENTS}/{folder}/{name}"


def _is_message(folder: str) -> bool:
    try:
        UUID(folder)
    except ValueError:
        return False
    return True


def _is_older(name: str, limit: datetime) -> bool:
    try:
        return default_storage.get_modified_time(name) < limit
    except OSError:
        return False
