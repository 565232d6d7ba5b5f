from __future__ import annotations

from datetime import date

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Q, QuerySet

from apps.accounts.models import ApiToken, AuditEntry, User


def people_matching(text: str = "") -> QuerySet[User]:
    """Everybody whose name, user name or e-mail holds the text; by user name."""
    rows = User.objects.order_by("username")
    for word in text.split():
        rows = rows.filter(
            Q(username__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(email__icontains=word)
        )
    return rows


def administrators() -> QuerySet[User]:
    """Administrators who can sign in."""
    able = User.objects.filter(is_superuser=True, is_active=True)
    return able.exclude(password="").exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)


def waiting_administrator() -> User | None:
    """The administrator without a password that the command line made to own its projects."""
    user = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    return None if user is None or user.has_usable_password() else user


def tokens_for(user: User) -> QuerySet[ApiToken]:
    """The user's own tokens that still exist; newest first."""
    return ApiToken.objects.filter(user=user, revoked_at=None)


def audit_entries(
    action: str = "", text: str = "", since: date | None = None, until: date | None = None
) -> QuerySet[AuditEntry]:
    """Audit entries, newest first. text: part of the actor's user name or of the target."""
    rows = AuditEntry.objects.select_related("actor").order_by("-at", "-pk")
    if action:
        rows = rows.filter(action=action)
    if text:
        rows = rows.filter(Q(actor__username__icontains=text) | Q(target__icontains=text))
    if since:
        rows = rows.filter(at__date__gte=since)
    if until:
        rows = rows.filter(at__date__lte=until)
    return rows


def audit_actions() -> list[str]:
    return list(AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct())
