from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.start import prepare


class Command(BaseCommand):
    help = "Work off background jobs (Celery); needs CELERY_BROKER_URL."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.JOBS_MODE != "broker":
            raise CommandError(
                "CELERY_BROKER_URL is not set: `serve` does the background work itself."
            )
        prepare()
        concurrency = str(settings.JOBS_EMBEDDED_WORKERS)
        command = ["-m", "celery", "-A", "portal.celery", "worker"]
        os.execv(  # noqa: S606 - a fixed command; Celery takes this process's place and its signals
            sys.executable,
            [sys.executable, *command, "--loglevel", "INFO", "--concurrency", concurrency],
        )
