from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from portal.start import collect_static


class Command(BaseCommand):
    help = "Collect and compress the built front end; for building the image."

    def handle(self, *args: Any, **options: Any) -> None:
        collect_static()
