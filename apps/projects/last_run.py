"""What the steps of a project did when somebody last tried it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.chat.enums import Role
from apps.chat.models import ChatMessage
from apps.projects.models import Project

if TYPE_CHECKING:
    from apps.accounts.models import User


def last_run(project: Project, user: User) -> dict[str, dict[str, Any]]:
    """By node: component, duration_ms, tokens, error, what went in and out, and when; of the newest of
    this person's own conversations. Two queries at most."""
    keys = [row.app_key for row in project.versions.only("pk", "number")]
    message = (
        ChatMessage.objects.filter(
            session__owner=user, session__app_key__in=keys, role=Role.ASSISTANT
        )
        .exclude(trace=[])
        .order_by("-created_at")
        .first()
    )
    if message is None:
        return {}
    return {row["node"]: _told(row, message) for row in message.trace if row.get("node")}


def _told(row: dict[str, Any], message: ChatMessage) -> dict[str, Any]:
    return {
        "component": row.get("component", ""),
        "duration_ms": row.get("duration_ms"),
        "tokens": (row.get("prompt_tokens") or 0) + (row.get("completion_tokens") or 0),
        "error": row.get("error", ""),
        "in": row.get("in", {}),
        "out": row.get("out", {}),
        "at": (message.finished_at or message.created_at).isoformat(),
    }
