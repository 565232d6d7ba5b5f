"""`genai-studio export`: a project file becomes a package that runs at the customer's site."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
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
give the same bytes, here and from the studio's pages; what only the studio knows is said by --connection
and --collection."""
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
    parser.add_argument(
        "--connection",
        action="append",
        default=[],
        metavar="NAME=KIND[:URL]",
        dest="connections",
        help="what a connection speaks (openai, opea, http, …; openai where it is not said) and the "
        "address that .env.example proposes, for example tts=opea:http://tts:9088; may be repeated. "
        "With --knowledge-from-project the studio's connections are known, and this changes them",
    )
    parser.add_argument(
        "--collection",
        action="append",
        default=[],
        metavar="NAME=TITLE",
        dest="titles",
        help="what people call a collection (default: its name, or its title in the studio); may be "
        "repeated",
    )
    parser.add_argument("--force", action="store_true", help="replace OUT.zip if it exists")
    session.add_arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    out = Path(options.output)
    if out.exists() and not options.force:
        refuse(f"{out} exists already. Choose another name, or replace it with --force.")
    kinds, servers = _connections(options.connections)
    titles = dict(_pair("--collection", one) for one in options.titles)
    text, spec = _project(options)
    with ExitStack() as stack:
        chosen: dict[str, Any] = {"topology": options.topology}
        if options.format:
            chosen["formats"] = tuple(
                part.strip() for part in options.format.split(",") if part.strip()
            )
        chosen |= _knowledge(options, spec, output, stack)
        chosen["titles"] = chosen.get("titles", {}) | titles
        chosen["kinds"] = chosen.get("kinds", {}) | kinds
        chosen["servers"] = chosen.get("servers", {}) | servers
        _refuse_unknown("collection", titles, spec.spec.knowledge.collections)
        _judge(text, spec, chosen["kinds"], kinds, output)
        report = _export(text, out, chosen, output)
    return _say(report, spec, out, output)


def _connections(given: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Kinds and addresses by name of what --connection said."""
    from apps.runtime.resources import KINDS

    kinds, servers = {}, {}
    for one in given:
        name, value = _pair("--connection", one)
        kind, _, address = value.partition(":")
        if kind not in KINDS:
            refuse(f"--connection {one}: “{kind}” is not one of {', '.join(KINDS)}.")
        kinds[name] = kind
        if address:
            servers[name] = address
    return kinds, servers


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name.strip() and equals and value.strip()):
        refuse(f"{option} {text}: write NAME=VALUE.")
    return name.strip(), value.strip()


def _refuse_unknown(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    known = sorted(known)
    if unknown := [name for name in given if name not in known]:
        listed = ", ".join(known) or "none"
        refuse(f"The project names no {what} “{unknown[0]}”. It names: {listed}.")


def _judge(
    text: str, spec: ProjectSpec, kinds: dict[str, str], said: Iterable[str], output: Output
) -> None:
    """Whether every component can work over its connection. Raises BuildRefused with what cannot."""
    from apps.packages.domain.application import connections_of
    from apps.projects.domain.compile import build_graph
    from apps.projects.domain.validate import Context, check, errors
    from apps.projects.errors import BuildRefused

    named = connections_of(spec, build_graph(spec, kinds))
    _refuse_unknown("connection", said, named)
    _, found = check(text, Context(connections=dict.fromkeys(named, ()), kinds=kinds))
    if errors(found):
        raise BuildRefused(errors(found))
    if guessed := [name for name in named if name not in kinds]:
        output.note(
            f"Taken for OpenAI-compatible: {', '.join(guessed)}. Say it with --connection NAME=KIND "
            "if that is wrong."
        )


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
    from apps.connections.queries import endpoints_for
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
    servers = list(endpoints_for(user))
    return {
        "knowledge_dir": folder,
        "include": include,
        "secrets": stored_values(),
        "titles": {name: rows[name].title for name in wanted},
        "kinds": {row.name: str(row.kind) for row in servers},
        "servers": {row.name: row.base_url for row in servers},
    }


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
