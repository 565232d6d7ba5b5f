"""What the studio's side bar lists: label, URL name, icon, and the prefixes that mark it current."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def items(request: HttpRequest) -> list[dict[str, Any]]:
    return [
        {"label": "Projects", "url": "projects:index", "icon": "layers", "prefix": "/projects/"},
        {"label": "Knowledge", "url": "knowledge:index", "icon": "book", "prefix": "/knowledge/"},
        {
            "label": "Connections",
            "url": "connections:index",
            "icon": "plug",
            "prefix": "/connections/",
        },
        {"label": "Jobs", "url": "jobs:index", "icon": "activity", "prefix": "/jobs/"},
        {"label": "Guide", "url": "catalog:guide", "icon": "help", "prefix": "/guide/"},
    ]
