"""The ASGI application: Django, with static files served in front of it.

Static files never enter Django's middleware: the wrapper answers them from a table made at start.
"""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402 - settings need the line above
from servestatic import ServeStaticASGI  # noqa: E402

from apps.chat.asgi import OneHopHandler  # noqa: E402

settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
application = ServeStaticASGI(
    OneHopHandler(),
    root=settings.STATIC_ROOT,
    prefix=settings.STATIC_URL,
    autorefresh=settings.DEBUG,
    allow_all_origins=False,
)
