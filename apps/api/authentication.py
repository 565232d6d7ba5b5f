"""Who calls: the owner of a personal API token, or the person signed in to the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.services import user_for_token

if TYPE_CHECKING:
    from apps.accounts.models import User

SCHEME = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """Personal API tokens: `Authorization: Bearer …`."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        if user := user_for_token(token.strip()):
            return user, None
        raise AuthenticationFailed(
            _(
                "This token is not known, has expired or was revoked. Make a new one in your profile."
            )
        )

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "apps.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A personal API token."}
