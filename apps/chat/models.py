"""Conversations with an application."""

from __future__ import annotations

import uuid
from typing import Final

from django.conf import settings
from django.db import models
from django.urls import reverse

from apps.chat.enums import ACTIVE, MediaKind, MessageStatus, Role


class ChatSession(models.Model):
    """One conversation of one person with the application behind app_key. title: the first question
    until somebody renames it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="chat_sessions"
    )
    app_key = models.CharField(max_length=120, db_index=True)
    title = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-updated_at"]
        indexes = [models.Index(fields=["owner", "-updated_at"], name="session_recent")]

    def __str__(self) -> str:
        return self.title or "New conversation"

    def get_absolute_url(self) -> str:
        return reverse("chat:session", args=[self.pk])


class ChatMessage(models.Model):
    """A question or a reply. ordinal is its place in the conversation, from 0.

    claimed_by     the web process that writes this reply; `apps.chat.process.PROCESS`
    heartbeat_at   when that process last said it is alive, while status is streaming
    superseded     another reply to the same question came after this one
    usage          prompt_tokens, completion_tokens, time_to_first_token_ms, duration_ms
    fields         what was asked for beside the question's words ("target"), on question and reply
    media_count    how many attachments it has, so that nobody looks for those of plain text
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(ChatSession, models.CASCADE, related_name="messages")
    ordinal = models.PositiveIntegerField()
    role = models.CharField(max_length=10, choices=Role)
    status = models.CharField(max_length=12, choices=MessageStatus, default=MessageStatus.COMPLETE)
    content = models.TextField(blank=True)
    sampling = models.JSONField(default=dict)
    fields = models.JSONField(default=dict)
    media_count = models.PositiveSmallIntegerField(default=0)
    citations = models.JSONField(default=list)
    trace = models.JSONField(default=list)
    usage = models.JSONField(default=dict)
    model = models.CharField(max_length=200, blank=True)
    generated = models.BooleanField(default=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.TextField(blank=True)
    rating = models.SmallIntegerField(default=0)
    superseded = models.BooleanField(default=False)
    claimed_by = models.CharField(max_length=160, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    stop_requested = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["session", "ordinal"]
        indexes = [
            models.Index(
                fields=["claimed_by"],
                condition=models.Q(status=MessageStatus.STREAMING),
                name="message_streaming",
            )
        ]
        constraints = [
            models.UniqueConstraint(fields=["session", "ordinal"], name="message_ordinal"),
            models.CheckConstraint(
                condition=models.Q(rating__in=(-1, 0, 1)), name="message_rating"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.ordinal}"

    @property
    def is_reply(self) -> bool:
        return self.role == Role.ASSISTANT

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE


ATTACHMENTS: Final = "attachments"
"""The folder in storage."""


def attachment_path(attachment: ChatAttachment, filename: str) -> str:
    """Where the file lies in storage: never under its own name, never with its own suffix."""
    return f"{ATTACHMENTS}/{attachment.message_id}/{attachment.pk}"


class ChatAttachment(models.Model):
    """A picture, sound or document that came with a question, or a sound that came with its reply.

    mime   what the file is by its content, whatever its name said
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(ChatMessage, models.CASCADE, related_name="attachments")
    ordinal = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=10, choices=MediaKind)
    mime = models.CharField(max_length=120)
    name = models.CharField(max_length=200, blank=True)
    size_bytes = models.PositiveBigIntegerField()
    file = models.FileField(upload_to=attachment_path, max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["message", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["message", "ordinal"], name="attachment_ordinal")
        ]

    def __str__(self) -> str:
        return self.name or str(self.get_kind_display())

    def get_absolute_url(self) -> str:
        return reverse("chat:attachment", args=[self.pk])
