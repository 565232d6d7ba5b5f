"""Who calls the chat's APIs: the owner of the personal token in `Authorization: Bearer …`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

from apps.accounts.services import user_for_token

if TYPE_CHECKING:
    from apps.accounts.models import User


def bearer(request: HttpRequest) -> User | None:
    """Reads rows."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return None
    return user_for_token(token.strip())
