"""The project as it is tried in the studio: ingested, built, asked in process; then exported."""

from __future__ import annotations

import asyncio
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.knowledge.services import add_files, create_collection
from apps.packages.domain.options import options_for
from apps.packages.services import start_export
from apps.projects.models import SpecVersion
from apps.projects.queries import spec_of
from apps.projects.services import apply_document
from apps.projects.version_services import build_version
from apps.runtime.events import Answer, Documents
from apps.runtime.resources import RunRequest, Turn
from apps.sandboxes.gateway import SandboxGateway

QUESTION = "How many days of holiday can be carried over, and until when?"
HANDBOOK = Path(__file__).parent / "data" / "handbook"
PROJECT = """\
apiVersion: genai.studio/v1
kind: Project
metadata: {name: clinic-helpdesk, title: Clinic helpdesk, description: Answers from the staff handbook.}
spec:
  application: qna
  knowledge: {collections: [handbook]}
"""

Passages = list[tuple[str, int, str]]
"""(document, ordinal, text), best first."""


@dataclass(frozen=True)
class Tried:
    """What the sandbox said to QUESTION, and who the version belongs to."""

    version: SpecVersion
    owner: User
    passages: Passages
    answer: Answer


def try_in_sandbox() -> Tried:
    owner = User.objects.create_user("builder")
    collection = create_collection(owner=owner, name="handbook", title="Staff handbook")
    files = [
        (path.name, SimpleUploadedFile(path.name, path.read_bytes()))
        for path in sorted(HANDBOOK.glob("*.md"))
    ]
    add_files(collection=collection, files=files, by=owner)
    project = apply_document(owner=owner, text=PROJECT).project
    version = build_version(project=project, by=owner)
    with ThreadPoolExecutor(1) as thread:
        asking = _ask(SandboxGateway(), owner, version)
        passages, answer = thread.submit(asyncio.run, asking).result()
    return Tried(version, owner, passages, answer)


async def _ask(
    gateway: SandboxGateway, owner: User, version: SpecVersion
) -> tuple[Passages, Answer]:
    prepared = await asyncio.to_thread(gateway.prepare, owner, version.app_key)
    request = RunRequest(turns=[Turn("user", QUESTION)])
    events = [event async for event in gateway.run(prepared, request)]
    passages = [
        (row.document, row.ordinal, row.text)
        for event in events
        if isinstance(event, Documents)
        for row in event.passages
    ]
    return passages, next(event for event in events if isinstance(event, Answer))


def export_to(folder: Path, tried: Tried, **chosen: str) -> Path:
    """Export through the studio's own service and unpack, as `unzip` would; returns the package."""
    options = options_for(spec_of(tried.version).spec.deployment, **chosen)
    export = start_export(version=tried.version, options=options, by=tried.owner)
    export.refresh_from_db()
    assert export.job
    assert export.is_offered, (export.job.error_message, export.findings)
    with export.file.open("rb") as file, zipfile.ZipFile(file) as package:
        for info in package.infolist():
            path = Path(package.extract(info, folder))
            path.chmod(info.external_attr >> 16 & 0o777)
    return folder / tried.version.project.name
