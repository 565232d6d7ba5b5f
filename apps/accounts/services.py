"""What can be done to accounts. Each change leaves an audit entry."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts import links
from apps.accounts.errors import LastAdministrator, SetupClosed, UsernameTaken
from apps.accounts.models import ApiToken, AuditEntry, User
from apps.accounts.queries import administrators, waiting_administrator

TOKEN_PREFIX = "pat_"  # noqa: S105 - what every token starts with, so that scanners recognise one
LAST_USED_EVERY = timedelta(minutes=1)
"""How exactly the last use of a token is kept; a write on every request would cost more than it tells."""


def audit(
    actor: AbstractBaseUser | AnonymousUser | None, action: str, target: str = "", **detail: Any
) -> AuditEntry:
    """Record who did what. detail: JSON values, never secrets."""
    who = actor if isinstance(actor, User) else None
    return AuditEntry.objects.create(actor=who, action=action, target=target[:200], detail=detail)


def first_admin_url() -> str | None:
    """The path of the one-time link that sets up the first administrator; None once there is one."""
    return None if administrators().exists() else links.first_admin_path()


@transaction.atomic
def create_first_admin(
    *, username: str, password: str, email: str = "", first_name: str = "", last_name: str = ""
) -> User:
    """Create the administrator that the one-time link is for, or name the one the command line left.

    Raises SetupClosed if there is one already, UsernameTaken.
    """
    if administrators().select_for_update().exists():
        raise SetupClosed
    user = waiting_administrator() or User(is_superuser=True, is_staff=True)
    user.username, user.email, user.first_name, user.last_name = (
        username,
        email,
        first_name,
        last_name,
    )
    user.set_password(password)
    _insert(user)
    audit(user, "accounts.first-administrator", f"user:{user.username}")
    return user


@transaction.atomic
def create_person(
    *,
    by: User,
    username: str,
    email: str = "",
    first_name: str = "",
    last_name: str = "",
    administrator: bool = False,
) -> tuple[User, str]:
    """Create an account without a password, and the path of the link that sets one.

    Raises UsernameTaken.
    """
    user = User(
        username=username,
        email=email,
        first_name=first_name,
        last_name=last_name,
        is_superuser=administrator,
        is_staff=administrator,
    )
    user.set_unusable_password()
    _insert(user)
    audit(by, "accounts.create", f"user:{username}", administrator=administrator)
    return user, links.set_password_path(user)


@transaction.atomic
def register(
    *, username: str, password: str, email: str = "", first_name: str = "", last_name: str = ""
) -> User:
    """An account that a person makes for themselves. Raises UsernameTaken."""
    user = User(username=username, email=email, first_name=first_name, last_name=last_name)
    user.set_password(password)
    _insert(user)
    audit(user, "accounts.register", f"user:{username}")
    return user


def new_password_link(*, user: User, by: User) -> str:
    """The path of a link that sets a new password once. The old password works until then."""
    audit(by, "accounts.password-link", f"user:{user.username}")
    return links.set_password_path(user)


@transaction.atomic
def set_password(*, user: User, password: str, by: User) -> None:
    """Set a password; every other session of the user ends."""
    user.set_password(password)
    user.save(update_fields=["password"])
    audit(by, "accounts.password", f"user:{user.username}")


@transaction.atomic
def change_profile(*, user: User) -> None:
    """Store the changed name and e-mail of a user."""
    user.save(update_fields=["first_name", "last_name", "email"])
    audit(user, "accounts.profile", f"user:{user.username}")


@transaction.atomic
def disable(*, user: User, by: User) -> None:
    """Shut the account: sessions and tokens stop working at once. Raises LastAdministrator."""
    _keep_an_administrator(user)
    if User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
        audit(by, "accounts.disable", f"user:{user.username}")


@transaction.atomic
def enable(*, user: User, by: User) -> None:
    if User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
        audit(by, "accounts.enable", f"user:{user.username}")


@transaction.atomic
def make_administrator(*, user: User, by: User) -> None:
    if User.objects.filter(pk=user.pk, is_superuser=False).update(is_superuser=True, is_staff=True):
        audit(by, "accounts.make-administrator", f"user:{user.username}")


@transaction.atomic
def remove_administrator(*, user: User, by: User) -> None:
    """Take the administrator's rights. Raises LastAdministrator."""
    _keep_an_administrator(user)
    if User.objects.filter(pk=user.pk, is_superuser=True).update(
        is_superuser=False, is_staff=False
    ):
        audit(by, "accounts.remove-administrator", f"user:{user.username}")


@transaction.atomic
def create_token(user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """A new personal API token and its value, which is kept nowhere and cannot be shown again."""
    value = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user, name=name, prefix=value[:12], digest=_digest(value), expires_at=expires_at
    )
    audit(user, "tokens.create", f"token:{token.prefix}", name=name)
    return token, value


@transaction.atomic
def revoke_token(*, token: ApiToken, by: User) -> None:
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit(by, "tokens.revoke", f"token:{token.prefix}", name=token.name)


def user_for_token(value: str) -> User | None:
    """Whose token this is; None if it is unknown, revoked, expired or its user disabled. One query,
    and at most one write a minute for the time of last use."""
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(Q(expires_at=None) | Q(expires_at__gt=now))
        .filter(digest=_digest(value), revoked_at=None, user__is_active=True)
        .first()
    )
    if token is None:
        return None
    if token.last_used_at is None or now - token.last_used_at > LAST_USED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user


def _insert(user: User) -> None:
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise UsernameTaken(username=user.username) from error


def _keep_an_administrator(user: User) -> None:
    """The lock serialises two administrators who take each other's rights at the same moment."""
    others = administrators().select_for_update().exclude(pk=user.pk)
    if user.is_superuser and not list(others[:1]):
        raise LastAdministrator(name=str(user))


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
