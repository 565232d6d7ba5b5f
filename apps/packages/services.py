"""Queue an export, make it, throw it away."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files import File
from django.db import transaction

from apps.connections.queries import endpoints_for
from apps.jobs.models import Job
from apps.jobs.services import cancel_job, start_job
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.models import Collection
from apps.knowledge.snapshots import export_snapshot, original_files
from apps.packages.domain.application import Knowledge
from apps.packages.domain.export import Report, export_package
from apps.packages.domain.options import Options
from apps.packages.domain.vendor import Sources
from apps.packages.errors import KnowledgeMissing, OutOfSpace, PackageRefused
from apps.packages.models import PackageExport
from apps.packages.secrets import stored_values
from apps.projects.enums import Act
from apps.projects.models import SpecVersion
from apps.projects.queries import collections_of, require_role_still, spec_of
from apps.runtime.graph import Graph

if TYPE_CHECKING:
    from apps.accounts.models import User

TASK = "packages.export"
Step = Callable[[str, int, int], None]
"""Told what is being done, and how many bytes of how many. May raise to stop the export."""


@transaction.atomic
def start_export(*, version: SpecVersion, options: Options, by: User) -> PackageExport:
    """Queue the export of one frozen version. The package is offered once it passed its checks."""
    export = PackageExport.objects.create(
        project=version.project, version=version, options=options.as_dict(), created_by=by
    )
    export.job = start_job(
        kind=TASK,
        target_id=export.pk,
        title=f"Package of {version.project.title} {version}",
        owner=by,
        target_url=export.get_absolute_url(),
    )
    export.save(update_fields=["job"])
    return export


def refuse_without_role(job: Job) -> None:
    """Raises RoleMissing if the job's person may not start such an export now."""
    row = PackageExport.objects.select_related("project__owner").filter(job=job).first()
    if row:
        require_role_still(job.owner, row.project, Act.SHIP)


def make_package(*, export: PackageExport, step: Step) -> Report:
    """Do the work of an export and store the archive with the row.

    Raises PackageRefused if a check found an error; its findings are then on the row. Raises
    OutOfSpace, KnowledgeMissing, SourceMissing and NotWritable; nothing half-written is left.
    """
    work = settings.DATA_DIR / "work" / f"package-{export.pk}"
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        report = _make(export, work, step)
        _store(export, report)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise OutOfSpace(path=work.name) from error
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if report.path is None:
        raise PackageRefused(first=report.errors[0].message)
    return report


@transaction.atomic
def delete_export(*, export: PackageExport) -> None:
    """Remove a package and its archive; one that is still being made is cancelled."""
    if export.job and export.job.is_active:
        cancel_job(export.job)
    storage, name = export.file.storage, export.file.name
    export.delete()
    if name:
        transaction.on_commit(lambda: storage.delete(name))


def _make(export: PackageExport, work: Path, step: Step) -> Report:
    version = export.version
    spec = spec_of(version)
    options = _options(export)
    knowledge = gather_knowledge(
        collections=collections_of(version),
        include=options.include,
        folder=work / "knowledge",
        step=step,
    )
    return export_package(
        spec=spec,
        spec_yaml=version.yaml,
        graph=Graph.model_validate(version.graph),
        options=options,
        out=work / "package.zip",
        sources=Sources(settings.BASE_DIR),
        knowledge=knowledge,
        secrets=stored_values(),
        progress=step,
    )


def _options(export: PackageExport) -> Options:
    """As they were chosen, with the addresses of the owner's connections as defaults for .env."""
    owner = export.version.project.owner
    rows = list(endpoints_for(owner).values_list("name", "base_url", "kind"))
    chosen = {**export.options, "formats": tuple(export.options["formats"])}
    chosen["servers"] = {name: base_url for name, base_url, _ in rows}
    chosen["kinds"] = {name: kind for name, _, kind in rows}
    return Options(**chosen)


def gather_knowledge(
    *, collections: Sequence[Collection], include: str, folder: Path, step: Step
) -> list[Knowledge]:
    """Write what travels of each collection into a folder of its name below `folder`.

    include: "index", "documents" or "none", as in Options. Raises KnowledgeMissing for a collection
    without a document that is ready.
    """
    if include == "none":
        return [Knowledge(row.name, row.title) for row in collections]
    found = []
    for collection in collections:
        step(f"Collecting the knowledge of {collection.title}", 0, 0)
        if not collection.documents.filter(status=DocumentStatus.READY).exists():
            raise KnowledgeMissing(name=collection.name, reason="no document is ready")
        own = folder / collection.name
        own.mkdir(parents=True)
        if include == "index":
            export_snapshot([collection], own)
        else:
            _copy_documents(collection, own)
        found.append(Knowledge(collection.name, collection.title, own))
    return found


def _copy_documents(collection: Collection, folder: Path) -> None:
    """The originals under their own names. Raises KnowledgeMissing where there are none."""
    inside = folder.resolve()
    for _, name, original in original_files([collection]):
        target = (folder / name).resolve()
        if not target.is_relative_to(inside):
            raise KnowledgeMissing(name=collection.name, reason=f"{name} is no file name")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as copy:
            shutil.copyfileobj(original, copy, 1 << 20)
    if not any(folder.iterdir()):
        raise KnowledgeMissing(
            name=collection.name,
            reason="its documents came without their files; use the ready index",
        )


def _store(export: PackageExport, report: Report) -> None:
    values: dict[str, Any] = {
        "findings": [finding.as_dict() for finding in report.findings],
        "contents": list(report.contents),
        "sha256": report.sha256 if report.path else "",
        "size_bytes": report.size_bytes if report.path else 0,
    }
    _drop_file(export)
    if report.path:
        with report.path.open("rb") as handle:
            export.file.save("package.zip", _Moved(handle, report.path), save=False)
    for name, value in values.items():
        setattr(export, name, value)
    if not PackageExport.objects.filter(pk=export.pk).update(**values, file=export.file.name or ""):
        _drop_file(export)  # deleted while it was made


def _drop_file(export: PackageExport) -> None:
    if export.file:
        with suppress(FileNotFoundError):
            export.file.delete(save=False)


class _Moved(File):  # type: ignore[type-arg]
    """A file that storage on the same disk takes by renaming instead of copying."""

    def __init__(self, handle: Any, path: Path) -> None:
        super().__init__(handle, name=path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        return str(self._path)
