from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.connections.models import Endpoint
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.models import Collection, Document
from apps.projects.domain.ops import assign
from apps.projects.models import Project
from apps.projects.queries import spec_of
from apps.projects.services import create_project, save_draft


@pytest.fixture
def project(owner: User) -> Project:
    return create_project(owner=owner, application="qna", title="HR helpdesk")


@pytest.fixture
def collection(owner: User) -> Collection:
    row = Collection.objects.create(owner=owner, name="handbook", title="Handbook")
    Document.objects.create(
        collection=row,
        name="leave.md",
        media_type="text/markdown",
        size_bytes=1,
        sha256="0" * 64,
        status=DocumentStatus.READY,
    )
    return row


@pytest.fixture
def endpoint(owner: User) -> Endpoint:
    return Endpoint.objects.create(
        owner=owner,
        name="local",
        title="Local vLLM",
        base_url="http://127.0.0.1:8000/v1",
        model_names=["llama", "qwen"],
    )


@pytest.fixture
def ready(project: Project, collection: Collection, owner: User) -> Project:
    """A project that can be built."""
    change(project, owner, knowledge__collections=["handbook"])
    return project


def change(project: Project, by: User, **changes: object) -> None:
    project.draft.refresh_from_db()
    paths = {path.replace("__", "."): value for path, value in changes.items()}
    save_draft(
        project=project,
        spec=assign(spec_of(project.draft), paths),
        base_revision=project.draft.revision,
        by=by,
    )
    project.draft.refresh_from_db()
