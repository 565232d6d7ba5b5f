from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.start import first_admin_link


class Command(BaseCommand):
    help = "Print the one-time link that makes the first administrator."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--base", default="http://localhost:8080", help="where the portal is")

    def handle(self, *args: Any, **options: Any) -> None:
        link = first_admin_link(options["base"])
        self.stdout.write(
            link
            or "There is an administrator already. They make reset links on the People page; "
            "`manage.py changepassword NAME` sets a password from here."
        )
