from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.start import first_admin_link, served_at


class Command(BaseCommand):
    help = "Print the one-time link that makes the first administrator."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--base", default="", help="where the portal is reached")

    def handle(self, *args: Any, **options: Any) -> None:
        link = first_admin_link(options["base"] or served_at())
        self.stdout.write(
            link
            or "There is an administrator already. They make reset links on the People page; "
            "`manage.py changepassword NAME` sets a password from here."
        )
