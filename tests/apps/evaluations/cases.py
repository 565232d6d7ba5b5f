"""A project over a few real documents, built, with a dataset: fixtures for conftest files to import."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.connections.services import create_endpoint
from apps.evaluations.models import Dataset, EvalRun
from apps.evaluations.services import create_dataset, record_samples
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.models import Chunk, Collection, Document
from apps.knowledge.services import add_files, create_collection
from apps.projects.domain.ops import assign
from apps.projects.models import Project, SpecVersion
from apps.projects.queries import spec_of
from apps.projects.services import create_project, save_draft
from apps.projects.version_services import build_version
from tests.servers.ports import wait_until

DOCUMENTS = {
    "refunds.md": "# Refunds\n\nGoods may be returned within 14 days of delivery. The receipt is needed.\n",
    "leave.md": "# Leave\n\nEmployees have 30 days of annual leave. Leave is approved by the team lead.\n",
    "travel.md": "# Travel\n\nTrains are booked in second class. Flights need the approval of the director.\n",
}
QUESTIONS = b"""question,reference,relevant
Within how many days may goods be returned?,Goods may be returned within 14 days of delivery,refunds.md
How many days of annual leave do employees have?,30 days,leave.md
Who approves flights?,the director,travel.md
"""


class Upload(BytesIO):
    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


@pytest.fixture
def collection(owner: User) -> Collection:
    """Searchable rows without an index: pages and services need no more."""
    row = create_collection(owner=owner, name="handbook", title="Handbook")
    for name, text in DOCUMENTS.items():
        document = Document.objects.create(
            collection=row,
            name=name,
            media_type="text/markdown",
            size_bytes=len(text),
            sha256="0" * 64,
            status=DocumentStatus.READY,
            chunk_count=1,
        )
        Chunk.objects.create(
            collection=row,
            document=document,
            ordinal=0,
            text=text,
            start=0,
            end=len(text),
            embedding=np.full(384, 384**-0.5, np.float32),
        )
    return row


@pytest.fixture
def indexed_collection(
    owner: User, django_capture_on_commit_callbacks: Callable[..., object]
) -> Collection:
    """The same documents, read and embedded for real."""
    row = create_collection(owner=owner, name="handbook", title="Handbook")
    files = [
        (name, SimpleUploadedFile(name, text.encode(), "text/markdown"))
        for name, text in DOCUMENTS.items()
    ]
    with django_capture_on_commit_callbacks(execute=True):
        add_files(collection=row, files=files, by=owner)
    wait_until(
        lambda: row.documents.filter(status=DocumentStatus.READY).count() == len(files),
        what="the documents were not indexed",
        timeout_s=60,
    )
    row.refresh_from_db()
    return row


@pytest.fixture
def project(owner: User) -> Project:
    return create_project(owner=owner, application="qna", title="Helpdesk")


@pytest.fixture
def version(project: Project, collection: Collection, owner: User) -> SpecVersion:
    spec = assign(spec_of(project.draft), {"spec.knowledge.collections": [collection.name]})
    save_draft(project=project, spec=spec, base_revision=project.draft.revision, by=owner)
    project.refresh_from_db()
    return build_version(project=project, by=owner)


@pytest.fixture
def dataset(project: Project, owner: User) -> Dataset:
    return create_dataset(
        project=project, name="Rules", file=Upload(QUESTIONS, "rules.csv"), by=owner
    )


@pytest.fixture
def make_run(owner: User, dataset: Dataset) -> Callable[..., EvalRun]:
    """`make_run(version, verdicts=[…])`: a finished run with one sample per verdict, no engine."""

    def make(
        version: SpecVersion, f1: tuple[float, ...] = (1.0, 0.5, 0.0), **fields: object
    ) -> EvalRun:
        from apps.evaluations.domain.catalogue import METRIC_IDS
        from apps.evaluations.services import finish_run

        job = Job.objects.create(
            kind="evaluations.run",
            target_id="x",
            title="Evaluate",
            owner=owner,
            status=JobStatus.SUCCEEDED,
        )
        values = {"metrics": list(METRIC_IDS), "k": 6, "job": job, "created_by": owner} | fields
        run = EvalRun.objects.create(
            project=version.project, version=version, dataset=dataset, **values
        )
        questions = dict(dataset.questions.values_list("ordinal", "pk"))
        record_samples(
            run=run,
            questions=questions,
            samples=[sample(ordinal, value) for ordinal, value in zip(questions, f1, strict=False)],
        )
        return finish_run(run)

    return make


def sample(ordinal: int, f1: float) -> dict[str, object]:
    passage = {
        "chunk_id": "c1", "document_id": "d1", "document": "refunds.md", "text": "Goods may be returned.",
        "score": 0.5, "ordinal": 0, "start": 0, "end": 22, "page": None, "heading": "Refunds", "right": True,
    }  # fmt: skip
    return {
        "ordinal": ordinal,
        "answer": f"=Answer {ordinal} [1]",
        "citations": [{"number": 1, "chunk_id": "c1", "quote": "Goods may"}],
        "passages": [passage],
        "metrics": {
            "correct": float(f1 == 1), "exact-match": float(f1 == 1), "token-f1": f1, "rouge-l": f1,
            "recall-at-k": 1.0, "mrr": 1.0, "groundedness": 1.0,
        },
        "details": {"unsupported": [], "quoted": 1.0, "reference_recall": f1},
        "verdict": "correct" if f1 == 1 else "partial" if f1 else "wrong",
        "reason": "Because.",
        "error_code": "",
        "error_message": "",
        "ttft_ms": 1.0,
        "duration_ms": 10.0 * ordinal,
    }  # fmt: skip


def of_application(application: str, owner: User, **changes: object) -> SpecVersion:
    """A built project of another application over a connection `fake`, which nobody asks here."""
    create_endpoint(
        owner=owner, title="Fake", base_url="http://127.0.0.1:9/v1", api_key="", name="fake"
    )
    project = create_project(owner=owner, application=application, title="Other application")
    named = {"connection": "fake", "name": "fake-model"}
    spec = assign(spec_of(project.draft), {"spec.model": named, **changes})
    save_draft(project=project, spec=spec, base_revision=project.draft.revision, by=owner)
    project.refresh_from_db()
    return build_version(project=project, by=owner)


def generative(version: SpecVersion, server_url: str, model: str, owner: User) -> SpecVersion:
    """The same project, answered by a model server."""
    create_endpoint(owner=owner, title="Fake", base_url=server_url, api_key="", name="fake")
    project = version.project
    project.draft.refresh_from_db()
    spec = assign(
        spec_of(project.draft), {"spec.model.connection": "fake", "spec.model.name": model}
    )
    save_draft(project=project, spec=spec, base_revision=project.draft.revision, by=owner)
    project.refresh_from_db()
    return build_version(project=project, by=owner)
