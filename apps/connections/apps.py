from __future__ import annotations

from aiohttp.abc import AbstractResolver
from django.apps import AppConfig
from django.conf import settings

from apps.connections.domain.guard import GuardedResolver
from apps.runtime import http


class ConnectionsConfig(AppConfig):
    name = "apps.connections"
    label = "connections"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Every request of the runtime goes to an address that the guard has seen."""
        http.use_resolver(_guarded)


def _guarded() -> AbstractResolver:
    return GuardedResolver(lambda: bool(settings.ENDPOINTS_ALLOW_PRIVATE))
