"""`genai-studio apply`: make a project be what its file says. Doing it twice changes nothing more."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from studio.cli import documents, exits, session
from studio.cli.output import Output

if TYPE_CHECKING:
    from apps.projects.services import Applied

HELP = "create or update a project from its file"
DESCRIPTION = """Create the project that the file describes, or bring it up to date. Applying the same
file again changes nothing. A project that was edited elsewhere since the last apply is not
overwritten unless --force is given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="project file, - for stdin")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would change, change nothing"
    )
    parser.add_argument("--force", action="store_true", help="overwrite edits made elsewhere")
    session.add_arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    from apps.projects.domain.validate import check

    text = documents.read(options.file)
    spec, found = check(text)
    if spec is None:
        from apps.projects.errors import SpecRefused

        raise SpecRefused(found)
    user = session.start(options, output)
    from apps.projects.services import apply_document

    applied = apply_document(owner=user, text=text, force=options.force, dry_run=options.dry_run)
    output.result(
        _data(applied, options.dry_run), _text(applied, options, documents.shown(options.file))
    )
    return exits.OK


def _data(applied: Applied, dry_run: bool) -> dict[str, Any]:
    return {
        "action": applied.action,
        "dry_run": dry_run,
        "project": {
            "name": applied.name,
            "id": str(applied.project.pk) if applied.project else None,
        },
        "changes": applied.changes,
        "findings": [finding.as_dict() for finding in applied.findings],
    }


def _text(applied: Applied, options: argparse.Namespace, file: str) -> str:
    would = "would be " if options.dry_run else ""
    lines = [f"Project {applied.name} {would}{applied.action}."]
    if applied.action == "updated":
        lines += [f"  {change}" for change in applied.changes]
    lines += [
        f"{file}:{one.line or 1}:{one.column or 1}: {one.code}: {one.message}"
        for one in applied.findings
    ]
    return "\n".join(lines)
