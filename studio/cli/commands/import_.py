"""`genai-studio import`: a project file from what another program exported."""

from __future__ import annotations

import argparse
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from studio.cli import documents, exits
from studio.cli.output import Output

if TYPE_CHECKING:
    from apps.projects.domain.findings import Finding
    from apps.projects.domain.importers.importing import Imported
    from apps.projects.domain.spec import ProjectSpec

HELP = "make a project file of another program's"
DESCRIPTION = """Read a GenAIStudio workflow (JSON), an OPEA GMConnector (YAML) or a Dify app (DSL, YAML)
and write the project that comes nearest to it. What was carried, changed and left out is said on
stderr, one line each:

  file:line:column: code: message

Secrets are not taken over. Needs neither a server nor a database. Ends with 2 if nothing can be made
of the file."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="file to import, - for stdin")
    parser.add_argument("-o", "--output", metavar="FILE", help="write here instead of to stdout")
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    parser.add_argument(
        "--name",
        default="",
        help="identifier of the project (default: its title); of several GMConnectors in a file, the one "
        "of that name is imported, else the first. All are listed",
    )


def run(options: argparse.Namespace, output: Output) -> int:
    from apps.projects.domain.importers.document import MAX_BYTES
    from apps.projects.domain.importers.importing import import_bytes
    from apps.projects.domain.ops import assign
    from apps.projects.domain.yaml_io import brief
    from apps.projects.errors import ImportRefused

    shown = documents.shown(options.file)
    stem = "" if options.file == "-" else PurePath(options.file).stem
    raw = documents.read_bytes(options.file, MAX_BYTES + 1)
    imported = import_bytes(raw, stem)
    if options.name in imported.others:
        imported = import_bytes(raw, stem, options.name)
    if imported.spec is None:
        raise ImportRefused(imported.notes)
    for note in imported.notes:
        output.note(_line(shown, note))
    if imported.others:
        others = ", ".join(imported.others)
        output.note(f"{shown}: imported {imported.resource}; also there: {others} (--name NAME).")
    spec = assign(imported.spec, {"metadata.name": options.name}) if options.name else imported.spec
    text = brief(spec)
    if options.output:
        documents.write(options.output, text, force=options.force)
        said = f"Wrote {options.output}: {spec.spec.application} project {spec.metadata.name}."
        output.result(_data(spec, imported, text) | {"path": options.output}, said)
    elif output.as_json:
        output.result(_data(spec, imported, text), "")
    else:
        output.write(text)
    return exits.OK


def _data(spec: ProjectSpec, imported: Imported, text: str) -> dict[str, Any]:
    return {
        "format": imported.kind,
        "name": spec.metadata.name,
        "application": spec.spec.application,
        "resource": imported.resource,
        "others": list(imported.others),
        "yaml": text,
        "notes": [note.as_dict() for note in imported.notes],
    }


def _line(file: str, note: Finding) -> str:
    message = " ".join(note.message.split())
    return f"{file}:{note.line or 1}:{note.column or 1}: {note.code}: {message} ({note.severity})"
