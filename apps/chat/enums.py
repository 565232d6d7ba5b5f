from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    USER = "user", "You"
    ASSISTANT = "assistant", "Assistant"


class MessageStatus(models.TextChoices):
    """A reply goes pending -> streaming -> one of the ends; a user's message is complete at once."""

    PENDING = "pending", "Waiting"
    STREAMING = "streaming", "Answering"
    COMPLETE = "complete", "Complete"
    STOPPED = "stopped", "Stopped"
    FAILED = "failed", "Failed"
    INTERRUPTED = "interrupted", "Interrupted"


class MediaKind(models.TextChoices):
    IMAGE = "image", "Picture"
    AUDIO = "audio", "Sound"
    DOCUMENT = "document", "Document"


ACTIVE = (MessageStatus.PENDING, MessageStatus.STREAMING)
