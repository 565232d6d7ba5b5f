"""The ASGI application: Django, with static files served in front of it."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402 - settings need the lines above
from servestatic import ServeStaticASGI  # noqa: E402

from apps.chat.asgi import OneHopHandler  # noqa: E402

settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
application = ServeStaticASGI(
    OneHopHandler(),
    root=settings.STATIC_ROOT,
    prefix=settings.STATIC_URL,
    allow_all_origins=False,
)
