"""`genai-studio ingest`: files and folders into a collection, indexed before the command ends."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.cli import exits, session, work
from studio.cli.output import Output, refuse

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.knowledge.models import Collection
    from apps.knowledge.services import Outcome

HELP = "add files and folders to a collection"
DESCRIPTION = """Add files and whole folders to a collection and wait until they are indexed. Name the
project (its collection is used, and created if it does not exist yet) or --collection. Files that
cannot be read are named and the others go on; then the command ends with 1."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "arguments", nargs="+", metavar="[PROJECT] PATH", help="project, then files and folders"
    )
    parser.add_argument(
        "--collection", metavar="NAME", help="this collection, instead of a project's"
    )
    session.add_arguments(parser)


def run(options: argparse.Namespace, output: Output) -> int:
    paths = [Path(path) for path in options.arguments[0 if options.collection else 1 :]]
    if not paths:
        refuse("Name the files or folders to add: genai-studio ingest PROJECT PATH…")
    if missing := [str(path) for path in paths if not path.exists()]:
        refuse(f"{missing[0]} does not exist.")
    files = sorted(set(_found(paths)))
    if not files:
        refuse(f"There is no file in {', '.join(str(path) for path in paths)}.")
    user = session.start(options, output)
    collection = (
        _by_name(user, options.collection)
        if options.collection
        else _of_project(user, options.arguments[0], output)
    )
    from apps.knowledge.services import receive
    from studio.cli.local_files import LocalFile

    named = ((name, LocalFile(path)) for name, path in files)
    received = receive(collection=collection, files=named, by=user)
    if received.job is not None:
        work.follow(received.job, output)
    return _report(collection, received.outcomes, output)


def _found(paths: list[Path]) -> Iterator[tuple[str, Path]]:
    """(name inside the collection, path): a folder's files carry the folder's name in front."""
    for path in paths:
        if path.is_file():
            yield path.name, path
            continue
        root = path.resolve()
        for file in root.rglob("*"):
            inside = file.relative_to(root)
            hidden = any(part.startswith(".") for part in inside.parts)
            if file.is_file() and not file.is_symlink() and not hidden:
                yield f"{root.name}/{inside.as_posix()}", file


def _by_name(user: User, name: str) -> Collection:
    from apps.knowledge.models import Collection
    from apps.knowledge.services import create_collection

    found = Collection.objects.filter(owner=user, name=name).first()
    return found or create_collection(owner=user, name=name, title=_title(name))


def _of_project(user: User, name: str, output: Output) -> Collection:
    """The one collection that the project names; one called like the project if it names none."""
    from apps.knowledge.models import Collection
    from apps.knowledge.services import create_collection
    from apps.projects.domain.ops import with_collections
    from apps.projects.queries import spec_of
    from apps.projects.services import save_draft

    project = session.project_named(user, name)
    draft = project.draft
    spec = spec_of(draft)
    names = spec.spec.knowledge.collections
    if len(names) > 1:
        refuse(
            f"{project.name} uses several collections; choose one with --collection: {', '.join(names)}."
        )
    wanted = names[0] if names else project.name
    if not names:
        save_draft(
            project=project,
            spec=with_collections(spec, (wanted,)),
            base_revision=draft.revision,
            by=user,
        )
        output.note(f"{project.name} now uses the collection {wanted}.")
    found = Collection.objects.filter(owner=project.owner, name=wanted).first()
    return found or create_collection(
        owner=project.owner,
        name=wanted,
        title=_title(wanted),
        chunk_size=spec.spec.knowledge.chunk.size,
        chunk_overlap=spec.spec.knowledge.chunk.overlap,
    )


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize()


def _report(collection: Collection, outcomes: list[Outcome], output: Output) -> int:
    """What became of every file. System litter (.DS_Store) is left out without a word."""
    from apps.knowledge.enums import DocumentStatus
    from apps.knowledge.models import Document

    rows = {row.pk: row for row in Document.objects.filter(collection=collection)}
    documents: list[dict[str, Any]] = []
    for outcome in outcomes:
        row = rows.get(outcome.document_id) if outcome.document_id else None
        if outcome.status == "queued" and row:
            shown = {"status": row.status, "chunks": row.chunk_count}
            error = (row.error_code, row.error_message)
        else:
            shown = {"status": outcome.status, "chunks": row.chunk_count if row else 0}
            error = (outcome.code, outcome.error)
        problem = {"code": error[0], "message": error[1]} if error[0] else {}
        documents.append({"name": outcome.name, **shown, **problem})
    documents = [one for one in documents if one["status"] != "ignored"]
    good = {DocumentStatus.READY, "unchanged"}
    bad = [one for one in documents if one["status"] not in good]
    lines = [
        f"{one['name']}: {one.get('code') or one['status']}: {one.get('message', '')}"
        for one in bad
    ]
    lines.append(
        f"{len(documents) - len(bad)} of {len(documents)} documents ready in {collection.name} "
        f"({sum(one['chunks'] for one in documents)} chunks)."
    )
    data = {"collection": collection.name, "id": str(collection.pk), "documents": documents}
    output.result(data, "\n".join(lines))
    return exits.FAILED if bad else exits.OK
