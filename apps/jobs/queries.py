from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from apps.jobs.models import Job

if TYPE_CHECKING:
    from apps.accounts.models import User


def jobs_for(user: User) -> QuerySet[Job]:
    """The jobs this user started; administrators see all."""
    rows = Job.objects.select_related("owner")
    return rows if user.is_superuser else rows.filter(owner=user)
