"""The Celery application. Tasks are sent by `apps.jobs.dispatch` only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import heartbeat_sent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")

ALIVE = Path(tempfile.gettempdir()) / "portal-worker-alive"
"""Touched with every heartbeat to the broker; the container's health check looks at its age."""


@heartbeat_sent.connect
def touch(**_: Any) -> None:
    ALIVE.touch()
