from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from portal.start import prepare


class Command(BaseCommand):
    help = "Migrate and take the packaged knowledge in; `serve` and `worker` do it by themselves."

    def handle(self, *args: Any, **options: Any) -> None:
        prepare()
