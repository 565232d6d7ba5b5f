"""Every value that must not be in a package, for `verify` to look for."""

from __future__ import annotations

from urllib.parse import urlsplit

import structlog
from django.conf import settings

from apps.connections.errors import SecretUnreadable
from apps.connections.models import Secret
from apps.connections.secrets import reveal

log = structlog.get_logger(__name__)


def stored_values() -> list[str]:
    """The secrets of everybody and the studio's own. Never shown, never stored elsewhere."""
    own = [settings.SECRET_KEY, settings.ENCRYPTION_KEY]
    own.append(str(settings.DATABASES["default"].get("PASSWORD") or ""))
    own += [
        urlsplit(url).password or "" for url in (settings.REDIS_URL, settings.CELERY_BROKER_URL)
    ]
    return [value for value in (*own, *_revealed()) if value]


def _revealed() -> list[str]:
    values = []
    for secret in Secret.objects.all():
        try:
            values.append(reveal(secret))
        except SecretUnreadable:
            # Encrypted with a key that is gone: nobody can have put the value anywhere from here.
            log.warning("packages.secret-unreadable", secret=str(secret.pk))
    return values
