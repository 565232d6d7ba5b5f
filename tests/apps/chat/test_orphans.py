"""Files of attachments on disk: they go with their rows, and a sweep finds those without any."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client

from apps.accounts.models import User
from apps.chat.attachments import stored
from apps.chat.models import ChatAttachment, ChatMessage
from apps.chat.orphans import GRACE, sweep_orphans
from apps.jobs.sweeper import tidy
from apps.runtime.media import Media

pytestmark = pytest.mark.django_db(transaction=True)

Answered = Callable[..., ChatMessage]
LONG_AGO_S = 2 * GRACE.total_seconds()


@pytest.fixture
def root(settings, tmp_path: Path) -> Iterator[Path]:
    settings.MEDIA_ROOT = tmp_path
    yield tmp_path / "attachments"


@pytest.fixture
def attached(root: Path, answered: Answered) -> ChatMessage:
    """A reply with two files."""
    reply = answered()
    sounds = [Media("audio/wav", b"one"), Media("audio/wav", b"two")]
    ChatAttachment.objects.bulk_create(stored(reply, sounds))
    ChatMessage.objects.filter(pk=reply.pk).update(media_count=2)
    return reply


def files(root: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in root.rglob("*") if path.is_file())


def aged(path: Path) -> Path:
    long_ago = time.time() - LONG_AGO_S
    os.utime(path, (long_ago, long_ago))
    return path


def test_a_conversation_takes_its_files_along(
    owner_client: Client, attached: ChatMessage, root: Path
) -> None:
    assert files(root) == [b"one", b"two"]

    owner_client.post(f"/chat/{attached.session_id}/delete/")

    assert list(root.iterdir()) == []


def test_an_account_takes_its_files_along(attached: ChatMessage, root: Path, owner: User) -> None:
    User.objects.get(pk=owner.pk).delete()

    assert list(root.iterdir()) == []


def test_what_is_not_committed_deletes_nothing(
    attached: ChatMessage, root: Path, owner: User
) -> None:
    with transaction.atomic():
        User.objects.get(pk=owner.pk).delete()
        assert files(root) == [b"one", b"two"]
        transaction.set_rollback(True)

    assert files(root) == [b"one", b"two"]
    assert ChatAttachment.objects.count() == 2


def test_sweep_deletes_old_files_without_a_row(attached: ChatMessage, root: Path) -> None:
    for path in root.rglob("*"):
        aged(path)
    beside = root / str(attached.pk) / str(uuid4())
    beside.write_bytes(b"lost beside others")
    aged(beside)
    alone = root / str(uuid4()) / str(uuid4())
    alone.parent.mkdir()
    alone.write_bytes(b"lost alone")
    aged(alone)
    fresh = root / str(uuid4()) / str(uuid4())
    fresh.parent.mkdir()
    fresh.write_bytes(b"its row is not committed yet")
    foreign = root / "not-ours" / "notes.txt"
    foreign.parent.mkdir()
    foreign.write_bytes(b"of somebody else")
    aged(foreign)

    tidy()

    assert files(root) == sorted([b"one", b"two", fresh.read_bytes(), b"of somebody else"])
    assert not alone.parent.exists()
    assert sweep_orphans() == 0


def test_sweep_of_a_studio_without_attachments(root: Path) -> None:
    assert sweep_orphans() == 0
