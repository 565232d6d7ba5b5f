from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from apps.packages.models import PackageExport
from apps.projects.queries import projects_for

if TYPE_CHECKING:
    from apps.accounts.models import User


def exports_for(user: User) -> QuerySet[PackageExport]:
    """Packages of projects this user may see, newest first; administrators see everybody's."""
    rows = PackageExport.objects.select_related("project", "version", "job", "created_by")
    rows = rows.filter(project__deleted_at__isnull=True)
    return rows.filter(project__in=projects_for(user))
