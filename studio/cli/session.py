"""Django for the commands that need it: settings, an up-to-date database, the acting person."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from apps.runtime.errors import ServiceFault, StudioError
from studio.cli.output import Output, refuse

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.projects.models import Project, SpecVersion

ADMINISTRATOR = "admin"


class SettingsRefused(StudioError):
    code = "cli.settings"
    sentence = "{reason}"


class DatabaseUnavailable(ServiceFault):
    status = 503
    code = "cli.database"
    sentence = "The database does not answer: {reason} Check DATABASE_URL and STUDIO_DATA_DIR."


class DatabaseOutdated(StudioError):
    code = "cli.database-outdated"
    sentence = (
        "The database belongs to another release of the studio ({count} migrations are not "
        "applied). Start the studio once with `make run`, or run `manage.py migrate`."
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as",
        dest="username",
        metavar="USERNAME",
        default=os.environ.get("GENAI_STUDIO_USER", ""),
        help="act as this person (default: the first administrator; also GENAI_STUDIO_USER)",
    )


def start(options: argparse.Namespace, output: Output) -> User:
    """Set Django up and return the acting person.

    Raises SettingsRefused, DatabaseUnavailable or DatabaseOutdated; Refused for an unknown person.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    os.environ.setdefault("STUDIO_LOG_LEVEL", "ERROR")
    import django
    from django.core.exceptions import ImproperlyConfigured

    try:
        django.setup()
    except ImproperlyConfigured as error:
        raise SettingsRefused(reason=str(error)) from error
    except OSError as error:
        raise SettingsRefused(
            reason=f"The data folder cannot be used: {error}. Set STUDIO_DATA_DIR to one of yours."
        ) from error
    _migrate_if_new(output)
    return _person(options.username, output)


def _migrate_if_new(output: Output) -> None:
    from django.core.management import call_command
    from django.db import DatabaseError, connection
    from django.db.migrations.executor import MigrationExecutor
    from django.db.migrations.recorder import MigrationRecorder

    try:
        new = not MigrationRecorder(connection).applied_migrations()
        if new:
            output.note("Preparing a new database.")
            call_command("migrate", verbosity=0, interactive=False)
            return
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise DatabaseUnavailable(reason=f"{error}.".replace("..", ".")) from error
    if waiting:
        raise DatabaseOutdated(count=len(waiting))


def _person(username: str, output: Output) -> User:
    from apps.accounts.models import User

    if username:
        found = User.objects.filter(username=username, is_active=True).first()
        if found is None:
            refuse(
                f"There is no active account “{username}”. Leave out --as for the administrator."
            )
        return found
    first = User.objects.filter(is_superuser=True, is_active=True).order_by("date_joined", "pk")
    if found := first.first():
        return found
    output.note(
        f"Created the administrator “{ADMINISTRATOR}” without a password. The link that `make run` "
        "prints sets one."
    )
    account = User(username=ADMINISTRATOR, is_superuser=True, is_staff=True)
    account.set_unusable_password()
    account.save()
    return account


def project_named(user: User, name: str) -> Project:
    """A project by name or id, the person's own before those of others."""
    from uuid import UUID

    from apps.projects.queries import projects_for

    rows = projects_for(user)
    try:
        found = rows.filter(pk=UUID(name)).first()
    except ValueError:
        found = rows.filter(name=name, owner=user).first() or rows.filter(name=name).first()
    if found is None:
        names = ", ".join(rows.values_list("name", flat=True)[:10]) or "none yet"
        refuse(f"There is no project “{name}”. Projects: {names}.")
    return found


def version_of(project: Project, number: int | None, *, by: User) -> SpecVersion:
    """The numbered version, or the draft built now (the version it already has, if unchanged)."""
    from apps.projects.models import SpecVersion
    from apps.projects.version_services import build_version

    if number is None:
        return build_version(project=project, by=by)
    found = SpecVersion.objects.filter(project=project, number=number).first()
    if found is None:
        numbers = ", ".join(str(n) for n in project.versions.values_list("number", flat=True)[:10])
        refuse(f"{project.name} has no version {number}. Versions: {numbers or 'none yet'}.")
    return found
