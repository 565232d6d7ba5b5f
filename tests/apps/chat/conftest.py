from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from apps.accounts.models import User
from apps.chat import quick_views
from apps.chat.models import ChatMessage, ChatSession
from apps.chat.services import ask
from apps.connections.services import create_endpoint
from apps.projects.domain.ops import assign
from apps.projects.models import Project, SpecVersion
from apps.projects.queries import spec_of
from apps.projects.services import create_project, save_draft
from apps.projects.version_services import build_version
from apps.sandboxes import gateway
from tests.apps.chat.serving import Browser, OtherProcess, in_thread
from tests.conftest import database_url
from tests.fakes.openai_server import FakeOpenAI

YAML = """\
apiVersion: genai.studio/v1
kind: Project
metadata: {{name: helpdesk, title: Helpdesk}}
spec:
  application: qna
  model: {{connection: fake, name: {model}}}
  parameters: {{temperature: 0.2, top_p: 0.9, top_k: 40, max_tokens: 512}}
"""


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """What one test's gateway keeps is not another's."""
    yield
    gateway._prepared.clear()
    quick_views._handoffs.clear()


@pytest.fixture
def project(owner: User, openai_server: FakeOpenAI) -> Project:
    create_endpoint(owner=owner, name="fake", base_url=openai_server.url)
    return create_project(owner=owner, application="qna", title="Helpdesk", name="helpdesk")


@pytest.fixture
def build(project: Project, owner: User) -> Callable[[str], SpecVersion]:
    """`build("fake-n100")`: a version that talks to the fake server's model of that name."""

    def make(model: str) -> SpecVersion:
        project.draft.refresh_from_db()
        save_draft(
            project=project,
            base_revision=project.draft.revision,
            by=owner,
            yaml=YAML.format(model=model),
        )
        return build_version(project=project, by=owner)

    return make


@pytest.fixture
def version(build: Callable[[str], SpecVersion]) -> SpecVersion:
    return build("fake-model")


@pytest.fixture
def session(version: SpecVersion, owner: User) -> ChatSession:
    return ChatSession.objects.create(owner=owner, app_key=version.app_key)


@pytest.fixture
def session_with(build: Callable[[str], SpecVersion], owner: User) -> Callable[[str], ChatSession]:
    def make(model: str) -> ChatSession:
        return ChatSession.objects.create(owner=owner, app_key=build(model).app_key)

    return make


@pytest.fixture
def answered(session: ChatSession) -> Callable[..., ChatMessage]:
    """`answered("text", status=…, citations=…)`: one more question with its ended reply."""

    def make(text: str = "Three months.", **values: Any) -> ChatMessage:
        _, reply = ask(session=session, text="How long is it?")
        fields = {"status": "complete", "content": text, "model": "fake-model"} | values
        ChatMessage.objects.filter(pk=reply.pk).update(**fields)
        reply.refresh_from_db()
        return reply

    return make


@pytest.fixture
def served(transactional_db: None) -> Iterator[str]:
    with in_thread() as url:
        yield url
    connections.close_all()


@pytest.fixture
def browser(served: str, owner: User) -> Browser:
    return Browser(served, owner)


@pytest.fixture
def other_process(transactional_db: None) -> Iterator[OtherProcess]:
    process = OtherProcess(database_url())
    process.start()
    yield process
    process.stop()


CITATIONS = [
    {
        "number": 1,
        "quote": "three months",
        "quote_start": 21,
        "quote_end": 33,
        "passage": {
            "chunk_id": "6f2f5a54-0000-4000-8000-000000000001",
            "document_id": "6f2f5a54-0000-4000-8000-000000000002",
            "document": "handbook.md",
            "text": "The notice period is three months for everybody.",
            "score": 0.9,
            "ordinal": 1,
            "start": 100,
            "end": 148,
            "page": 3,
            "heading": "Leaving",
        },
    }
]


@pytest.fixture
def citations() -> list[dict[str, Any]]:
    return CITATIONS


@pytest.fixture
def talk_to(owner: User, openai_server: FakeOpenAI) -> Callable[..., ChatSession]:
    """`talk_to("visual-chat", **changes)`: a conversation with the application's starter, built."""

    def make(application: str, **changes: Any) -> ChatSession:
        create_endpoint(owner=owner, name="fake", base_url=openai_server.url)
        project = create_project(owner=owner, application=application, title="App")
        model = {"spec.model": {"connection": "fake", "name": "fake-model"}}
        named = {path.replace("__", "."): value for path, value in changes.items()}
        spec = assign(spec_of(project.draft), model | named)
        save_draft(project=project, spec=spec, base_revision=project.draft.revision, by=owner)
        built = build_version(project=project, by=owner)
        return ChatSession.objects.create(owner=owner, app_key=built.app_key)

    return make
