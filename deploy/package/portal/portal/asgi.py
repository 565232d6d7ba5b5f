"""The ASGI application: Django, with static files served in front of it."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django_application = get_asgi_application()

from django.conf import settings  # noqa: E402 - after Django is set up
from servestatic import ServeStaticASGI  # noqa: E402

YEAR_S = 365 * 24 * 3600


def _hashed(path: str, url: str) -> bool:
    """Files of the manifest carry their hash in the name (app.0123456789ab.css)."""
    parts = url.rsplit("/", 1)[-1].split(".")
    return len(parts) > 2 and len(parts[-2]) == 12


application = ServeStaticASGI(
    django_application,
    root=settings.STATIC_ROOT,
    prefix=settings.STATIC_URL,
    max_age=YEAR_S,
    immutable_file_test=_hashed,
)
