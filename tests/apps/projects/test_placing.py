"""A version whose graph names a vector store: sent at the build, searched in the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import User
from apps.connections.services import create_endpoint
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.knowledge import placed
from apps.knowledge.indexes import indexes
from apps.knowledge.models import Collection, StoreCopy
from apps.knowledge.services import create_collection, receive
from apps.projects.models import Project, SpecVersion
from apps.projects.services import create_project, save_draft
from apps.projects.version_services import build_version
from apps.runtime.errors import ServiceUnavailable
from apps.runtime.events import Documents, Event, Finished
from apps.runtime.resources import RunRequest, Turn
from apps.runtime.stores.opening import close_stores
from apps.sandboxes.gateway import SandboxGateway
from tests.apps.knowledge.conftest import uploads
from tests.servers import vector_stores
from tests.servers.vector_stores import KINDS, PASSWORD, VectorStore

SPEC = """\
apiVersion: genai.studio/v1
kind: Project
metadata: {{name: helpdesk, title: Helpdesk}}
spec:
  application: qna
  knowledge:
    collections: [handbook]
    store: {{kind: {kind}, connection: vectors}}
"""
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module", params=KINDS)
def store(request: pytest.FixtureRequest) -> Iterator[VectorStore]:
    yield from vector_stores.running(request.param)


@pytest.fixture(autouse=True)
def _fresh(settings: Any, tmp_path: Any) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path / "media"
    indexes.forget()
    placed.forget()
    yield
    indexes.forget()
    placed.forget()


@pytest.fixture
def handbook(owner: User) -> Collection:
    made = create_collection(owner=owner, name="handbook", title="Handbook")
    files = {"leave.md": b"# Leave\n\nEverybody gets thirty days of holiday each year.\n"}
    receive(collection=made, files=uploads(files).items(), by=owner)
    return made


@pytest.fixture
def version(owner: User, handbook: Collection, store: VectorStore) -> SpecVersion:
    server = store.server
    create_endpoint(
        owner=owner, name="vectors", base_url=server.base_url, api_key=PASSWORD, kind=server.kind
    )
    project = project_of(owner, store)
    return build_version(project=project, by=owner)


def project_of(owner: User, store: VectorStore) -> Project:
    project = create_project(owner=owner, title="Helpdesk", application="qna")
    text = SPEC.format(kind=store.kind)
    save_draft(project=project, yaml=text, base_revision=project.draft.revision, by=owner)
    return project


def ask(owner: User, version: SpecVersion, *, inspect: bool = False) -> list[Event]:
    gateway = SandboxGateway()
    prepared = gateway.prepare(owner, version.app_key)

    async def run() -> list[Event]:
        request = RunRequest([Turn("user", "How many days of holiday?")], inspect=inspect)
        try:
            return [event async for event in gateway.run(prepared, request)]
        finally:
            await close_stores()

    return asyncio.run(run())


def test_a_build_sends_the_knowledge(version: SpecVersion, store: VectorStore) -> None:
    job = Job.objects.get(kind="knowledge.follow")
    assert (job.status, job.title) == (JobStatus.SUCCEEDED, "Send “Handbook” to vectors")
    copy = StoreCopy.objects.get()
    assert (copy.kind, copy.chunks) == (store.kind, 1)


def test_the_sandbox_searches_there_and_shows_no_password(
    owner: User, version: SpecVersion, store: VectorStore
) -> None:
    events = ask(owner, version, inspect=True)

    found = next(event for event in events if isinstance(event, Documents))
    assert [passage.document for passage in found.passages] == ["leave.md"]
    finished = [event for event in events if isinstance(event, Finished)]
    assert any(event.outputs.get("store") == "vectors" for event in finished)
    assert PASSWORD not in repr(events)


def test_a_store_that_is_down_ends_the_answer_with_a_sentence(
    owner: User, version: SpecVersion, store: VectorStore
) -> None:
    store.proxy.stop()
    placed.forget()
    try:
        with pytest.raises(
            ServiceUnavailable, match="vectors did not answer: it refuses connections"
        ):
            ask(owner, version)
    finally:
        store.proxy.start()


def test_a_build_is_right_though_the_store_is_down(
    owner: User, handbook: Collection, store: VectorStore
) -> None:
    store.proxy.stop()
    try:
        create_endpoint(
            owner=owner, name="vectors", base_url=store.server.base_url, kind=store.kind
        )
        project = project_of(owner, store)
        version = build_version(project=project, by=owner)
    finally:
        store.proxy.start()

    assert version.number == 1
    job = Job.objects.get(kind="knowledge.follow")
    assert (job.status, job.error_code) == (JobStatus.FAILED, "service.unavailable")
