"""What the studio's side bar lists: label, URL name, icon, and the prefix that marks it current."""

from __future__ import annotations

from typing import Any

from apps.jobs.enums import ACTIVE
from apps.jobs.queries import jobs_for
from apps.ui.http import StudioRequest

PROJECT_PAGES = ("/projects/", "/evaluations/", "/benchmarks/", "/packages/")
ITEMS: list[dict[str, Any]] = [
    {"label": "Projects", "url": "projects:index", "icon": "layers", "prefix": PROJECT_PAGES},
    {"label": "Knowledge", "url": "knowledge:index", "icon": "book", "prefix": "/knowledge/"},
    {"label": "Connections", "url": "connections:index", "icon": "plug", "prefix": "/connections/"},
    {"label": "Jobs", "url": "jobs:index", "icon": "activity", "prefix": "/jobs/"},
    {"label": "Guide", "url": "catalog:guide", "icon": "help", "prefix": "/guide/"},
]
ADMINISTRATION: list[dict[str, Any]] = [
    {"label": "People", "url": "accounts:people", "icon": "users", "prefix": "/accounts/people/"},
    {
        "label": "Audit log",
        "url": "accounts:audit",
        "icon": "history",
        "prefix": "/accounts/audit/",
    },
]


def items(request: StudioRequest) -> list[dict[str, Any]]:
    if not request.user.is_superuser:
        return ITEMS
    return ITEMS + [{**item, "section": "Administration"} for item in ADMINISTRATION]


def activity(request: StudioRequest) -> dict[str, Any]:
    """The reader's own work in progress."""
    count = jobs_for(request.user).filter(owner=request.user, status__in=ACTIVE).count()
    label = "job running" if count == 1 else "jobs running"
    return {"count": count, "url": "jobs:index", "label": label}
