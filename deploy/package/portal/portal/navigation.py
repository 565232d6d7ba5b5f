"""What the portal's side bar lists. Administrators see people and background work besides."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def items(request: HttpRequest) -> list[dict[str, Any]]:
    entries = [{"label": "Chat", "url": "chat:index", "icon": "chat", "prefix": "/chat/"}]
    if request.user.is_authenticated:
        entries.append(
            {
                "label": "Knowledge",
                "url": "knowledge:index",
                "icon": "book",
                "prefix": "/knowledge/",
            }
        )
    if getattr(request.user, "is_superuser", False):
        entries += [
            {
                "label": "People",
                "url": "accounts:people",
                "icon": "users",
                "prefix": "/accounts/people/",
            },
            {"label": "Jobs", "url": "jobs:index", "icon": "activity", "prefix": "/jobs/"},
        ]
    return entries
