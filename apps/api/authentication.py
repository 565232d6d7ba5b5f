from __future__ import annotations

from rest_framework.authentication import BaseAuthentication


class TokenAuthentication(BaseAuthentication):
    """Personal API tokens: `Authorization: Bearer …`."""
