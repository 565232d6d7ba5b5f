"""`genai-studio export`: a project file becomes a package that runs at the customer's site."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from studio.cli import documents, exits, session
from studio.cli.output import Output, refuse

if TYPE_CHECKING:
    from apps.packages.domain.export import Report
    from apps.projects.domain.spec import ProjectSpec

HELP = "write the deployment package of a project"
DESCRIPTION = """Write the deployment package of a project file. Needs neither a server nor a database,
unless the knowledge is taken from the studio (--knowledge-from-project). The same file and options
give the same bytes."""
ROOT = Path(__file__).resolve().parents[3]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="project file, - for stdin")
    parser.add_argument("-o", "--output", metavar="OUT.zip", required=True)
    parser.add_argument(
        "--format", metavar="F,…", help="compose (default: spec.deployment.formats)"
    )
    parser.add_argument("--topology", choices=("single", "cluster"))
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        dest="assignments",
        help="change a value of the file, for example deployment.port=8081; may be repeated",
    )
    knowledge = parser.add_mutually_exclusive_group()
    knowledge.add_argument(
        "--documents",
        metavar="DIR",
        help="documents that travel: the folder of the only collection, or one folder per collection",
    )
    knowledge.add_argument(
        "--snapshots", metavar="DIR", help="ready indexes that travel: one folder per collection"
    )
    knowledge.add_argument(
        "--knowledge-from-project",
        action="store_true",
        help="take the knowledge from the studio's collections (needs its database)",
    )
    parser.add_argument("--force", action="store_true", help="replace OUT.zip if it exists")
    session.add_arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    out = Path(options.output)
    if out.exists() and not options.force:
        refuse(f"{out} exists already. Choose another name, or replace it with --force.")
    text, spec = _project(options)
    with ExitStack() as stack:
        chosen: dict[str, Any] = {"topology": options.topology}
        if options.format:
            chosen["formats"] = tuple(
                part.strip() for part in options.format.split(",") if part.strip()
            )
        chosen |= _knowledge(options, spec, output, stack)
        report = _export(text, out, chosen, output)
    return _say(report, spec, out, output)


def _project(options: argparse.Namespace) -> tuple[str, ProjectSpec]:
    """The file with the --set values in it. Raises SpecRefused with every finding."""
    from apps.projects.domain.ops import assign_text
    from apps.projects.domain.validate import check, errors
    from apps.projects.domain.yaml_io import merge
    from apps.projects.errors import BuildRefused, SpecRefused

    text = documents.read(options.file)
    spec, found = check(text)
    if spec is None:
        raise SpecRefused(found)
    if options.assignments:
        text = merge(text, assign_text(spec, options.assignments))
        spec, found = check(text)
    if spec is None or errors(found):
        raise BuildRefused(errors(found))
    return text, spec


def _knowledge(
    options: argparse.Namespace, spec: ProjectSpec, output: Output, stack: ExitStack
) -> dict[str, Any]:
    """Where the knowledge lies and in which form, as arguments of `export_document`."""
    names = spec.spec.knowledge.collections
    if options.knowledge_from_project:
        return _from_studio(options, spec, output, stack)
    given = options.documents or options.snapshots
    if not given:
        if names and spec.spec.deployment.knowledge.include != "none":
            output.note(
                f"The package carries no knowledge of {', '.join(names)}: give --documents, "
                "--snapshots or --knowledge-from-project."
            )
        return {}
    folder = Path(given).resolve()
    if not folder.is_dir():
        refuse(f"{given} is not a folder.")
    include = "documents" if options.documents else "index"
    if len(names) == 1 and not (folder / names[0]).is_dir():
        linked = Path(stack.enter_context(TemporaryDirectory(prefix="genai-studio-")))
        (linked / names[0]).symlink_to(folder, target_is_directory=True)
        folder = linked
    return {"knowledge_dir": folder, "include": include}


def _from_studio(
    options: argparse.Namespace, spec: ProjectSpec, output: Output, stack: ExitStack
) -> dict[str, Any]:
    user = session.start(options, output)
    from apps.knowledge.models import Collection
    from apps.packages.secrets import stored_values
    from apps.packages.services import gather_knowledge

    rows = {row.name: row for row in Collection.objects.filter(owner=user)}
    wanted = spec.spec.knowledge.collections
    if unknown := [name for name in wanted if name not in rows]:
        refuse(f"{user.username} has no collection “{unknown[0]}”.")
    include = spec.spec.deployment.knowledge.include
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="genai-studio-")))
    gather_knowledge(
        collections=[rows[name] for name in wanted],
        include=include,
        folder=folder,
        step=output.progress,
    )
    return {"knowledge_dir": folder, "include": include, "secrets": stored_values()}


def _export(text: str, out: Path, chosen: dict[str, Any], output: Output) -> Report:
    from apps.packages.domain.export import export_document
    from apps.packages.domain.vendor import Sources

    def progress(step: str, done: int, total: int) -> None:
        output.progress(step, done, total)

    return export_document(text, out=out, sources=Sources(ROOT), progress=progress, **chosen)


def _say(report: Report, spec: ProjectSpec, out: Path, output: Output) -> int:
    if report.path is None:
        from apps.packages.errors import PackageRefused

        for finding in report.errors:
            output.note(f"{finding.code}: {finding.message}")
        raise PackageRefused(first=report.errors[0].message)
    data = {
        "path": str(out),
        "project": spec.metadata.name,
        "sha256": report.sha256,
        "size_bytes": report.size_bytes,
        "files": len(report.contents),
        "duration_s": round(report.duration_s, 3),
        "findings": [finding.as_dict() for finding in report.findings],
    }
    lines = [f"{finding.code}: {finding.message}" for finding in report.findings]
    lines.append(
        f"{out}: {len(report.contents)} files, {report.size_bytes:,} bytes, sha256 {report.sha256}"
    )
    output.result(data, "\n".join(lines))
    return exits.OK
