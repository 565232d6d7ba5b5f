"""Takes the packaged knowledge in, once: on the first start, whichever replica comes first.

Must be called under `locks.alone()`; the rows are written in one transaction per collection, so a
start that is killed in the middle begins that collection again.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from apps.accounts.models import User
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.models import Collection, Document
from apps.knowledge.services import create_collection, receive
from apps.knowledge.snapshots import import_snapshot
from portal.application import PackagedCollection, application
from portal.errors import PackageIncomplete
from portal.models import ImportedKnowledge

OPEN_AT_ONCE = 100
State = Literal["ready", "indexing", "missing"]

KEEPER = "portal"
"""The account that owns packaged knowledge. It has no password and cannot sign in."""


def take_in_knowledge() -> list[str]:
    """Import what was not imported yet; returns the names of the collections."""
    known = set(ImportedKnowledge.objects.values_list("name", flat=True))
    fresh = [packaged for packaged in application().collections if packaged.name not in known]
    for packaged in fresh:
        _take_in(packaged)
    return [packaged.name for packaged in fresh]


def knowledge_state() -> State:
    """What of the packaged knowledge is there; "indexing" while documents wait for the worker."""
    names = {packaged.name for packaged in application().collections}
    if names - set(ImportedKnowledge.objects.values_list("name", flat=True)):
        return "missing"
    waiting = Document.objects.filter(
        collection__name__in=names, status__in=(DocumentStatus.QUEUED, DocumentStatus.INDEXING)
    )
    return "indexing" if waiting.exists() else "ready"


def packaged_collections() -> list[Collection]:
    """The application's collections, in the order of its specification."""
    names = [packaged.name for packaged in application().collections]
    rows = {
        row.name: row for row in Collection.objects.filter(name__in=names, owner__username=KEEPER)
    }
    return [rows[name] for name in names if name in rows]


@transaction.atomic
def _take_in(packaged: PackagedCollection) -> None:
    if packaged.include != "none" and not packaged.path.is_dir():
        raise PackageIncomplete(path=f"knowledge/{packaged.name}")
    ImportedKnowledge.objects.create(name=packaged.name, sha256=packaged.sha256)
    keeper = _keeper()
    if packaged.include == "index":
        import_snapshot(packaged.path, keeper, packaged.name, packaged.title)
        return
    collection = create_collection(
        owner=keeper,
        name=packaged.name,
        title=packaged.title,
        chunk_size=packaged.chunk_size,
        chunk_overlap=packaged.chunk_overlap,
        embedding_model=packaged.embedding_model,
    )
    if packaged.include == "documents":
        _add_documents(collection, packaged.path, keeper)


def _add_documents(collection: Collection, folder: Path, keeper: User) -> None:
    """In portions, so that a folder of thousands never has all its files open at once."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for begin in range(0, len(paths), OPEN_AT_ONCE):
        with ExitStack() as stack:
            files = []
            for path in paths[begin : begin + OPEN_AT_ONCE]:
                handle = stack.enter_context(path.open("rb"))
                upload = UploadedFile(handle, path.name, size=path.stat().st_size)
                files.append((path.relative_to(folder).as_posix(), upload))
            receive(collection=collection, files=files, by=keeper)


def _keeper() -> User:
    keeper, created = User.objects.get_or_create(
        username=KEEPER,
        defaults={"is_active": False, "first_name": "Packaged", "last_name": "knowledge"},
    )
    if created:
        keeper.set_unusable_password()
        keeper.save(update_fields=["password"])
    return keeper
