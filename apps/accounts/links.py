"""One-time links: the first administrator, and setting a password. Nothing about them is stored."""

from __future__ import annotations

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import signing
from django.urls import reverse
from django.utils.http import base36_to_int, int_to_base36

from apps.accounts.models import User

FIRST_ADMIN_SALT = "accounts.first-admin"
FIRST_ADMIN_MAX_AGE_S = 7 * 24 * 3600


class _PasswordLinks(PasswordResetTokenGenerator):
    """Valid for settings.PASSWORD_RESET_TIMEOUT, until the password changes or the user signs in."""

    key_salt = "accounts.set-password"


_password_links = _PasswordLinks()


def first_admin_path() -> str:
    return reverse("accounts:first_admin", args=[signing.dumps("first", salt=FIRST_ADMIN_SALT)])


def is_first_admin_token(token: str) -> bool:
    try:
        signing.loads(token, salt=FIRST_ADMIN_SALT, max_age=FIRST_ADMIN_MAX_AGE_S)
    except signing.BadSignature:
        return False
    return True


def set_password_path(user: User) -> str:
    token = f"{int_to_base36(user.pk)}-{_password_links.make_token(user)}"
    return reverse("accounts:set_password", args=[token])


def user_of_password_token(token: str) -> User | None:
    number, _, rest = token.partition("-")
    try:
        user = User.objects.filter(pk=base36_to_int(number), is_active=True).first()
    except (ValueError, OverflowError):
        return None
    return user if user and _password_links.check_token(user, rest) else None
