"""Projects whose vectors are kept outside build and answer, against servers of every kind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import User
from apps.chat.gateway import gateway
from apps.connections.services import create_endpoint
from apps.knowledge import placed
from apps.knowledge.indexes import indexes
from apps.knowledge.services import create_collection, receive
from apps.projects.domain.spec import API_VERSION, Flow, FlowNode, ProjectSpec, edge
from apps.projects.domain.validate import findings
from apps.projects.models import Project
from apps.projects.queries import context_for, spec_of
from apps.projects.services import import_project
from apps.projects.version_services import build_version
from apps.runtime.errors import ServiceFault
from apps.runtime.events import Answer, Documents, Event, Finished
from apps.runtime.http import close_sessions
from apps.runtime.resources import RunRequest, Turn
from apps.runtime.stores.opening import close_stores
from tests.apps.knowledge.conftest import uploads
from tests.fakes.openai_server import FakeOpenAI
from tests.servers import vector_stores
from tests.servers.vector_stores import VectorStore

QUESTION = "How many days of holiday does everybody get?"
FILES = {
    "hr": {"leave.md": b"# Leave\n\nEverybody gets thirty days of holiday each year.\n"},
    "it": {
        "locks.md": b"# Locks\n\nLock the laptop whenever you leave the desk, holiday or not.\n"
    },
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def qdrant() -> Iterator[VectorStore]:
    yield from vector_stores.running("qdrant")


@pytest.fixture(scope="module")
def milvus() -> Iterator[VectorStore]:
    yield from vector_stores.running("milvus")


@pytest.fixture(autouse=True)
def _surroundings(
    settings: Any, tmp_path: Any, owner: User, openai_server: FakeOpenAI
) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path / "media"
    placed.forget()
    indexes.forget()
    openai_server.reset()
    create_endpoint(owner=owner, name="local", base_url=openai_server.url)
    for name, files in FILES.items():
        row = create_collection(owner=owner, name=name, title=name)
        receive(collection=row, files=uploads(files).items(), by=owner)
    yield
    placed.forget()
    indexes.forget()


def connect(owner: User, store: VectorStore) -> str:
    server = store.server
    create_endpoint(
        owner=owner,
        name=server.name,
        base_url=server.base_url,
        api_key=server.api_key,
        kind=server.kind,
    )
    return server.name


def project_of(owner: User, block: dict[str, Any]) -> Project:
    values = {"model": {"connection": "local", "name": "fake-model"}} | block
    spec = ProjectSpec.model_validate(
        {"apiVersion": API_VERSION, "metadata": {"name": "desk"}, "spec": values}
    )
    return import_project(owner=owner, spec=spec, source="a test")


def asked(owner: User, project: Project, text: str = QUESTION) -> list[Event]:
    version = build_version(project=project, by=owner)
    prepared = gateway().prepare(owner, version.app_key)

    async def ask() -> list[Event]:
        try:
            request = RunRequest((Turn("user", text),))
            return [event async for event in gateway().run(prepared, request)]
        finally:
            await close_stores()
            await close_sessions()

    return asyncio.run(ask())


def found(events: list[Event], node: str) -> list[str]:
    return [
        passage.document
        for event in events
        if isinstance(event, Documents) and event.node == node
        for passage in event.passages
    ]


def noted(events: list[Event], node: str) -> dict[str, Any]:
    return next(
        dict(one.outputs) for one in events if isinstance(one, Finished) and one.node == node
    )


def drawn(kinds: dict[str, tuple[str, dict[str, Any]]]) -> Flow:
    """For each collection its way over a store's component to a retriever, then prompt and model."""
    nodes = [("question", "chat-input", {}), ("prompt", "prompt", {}), ("llm", "llm", {}), ("answer", "chat-output", {})]  # fmt: skip
    edges = ["question.question > prompt.question", "prompt.messages > llm.messages", "llm.answer > answer.answer"]  # fmt: skip
    for name, (component, params) in kinds.items():
        nodes += [
            (f"{name}-prep", "dataprep", {"collections": [name]}),
            (f"{name}-embed", "embedding", {}),
            (f"{name}-store", component, params),
            (f"{name}-find", "retriever", {"mode": "dense"}),
        ]
        edges += [
            f"{name}-prep.chunks > {name}-embed.chunks",
            f"{name}-embed.vectors > {name}-store.vectors",
            f"{name}-store.index > {name}-find.index",
            f"question.question > {name}-find.question",
        ]
    if len(kinds) == 1:
        edges.append(f"{next(iter(kinds))}-find.passages > prompt.passages")
    else:
        nodes.append(("fuse", "fuse", {}))
        ways = zip(kinds, ("first", "second"), strict=True)
        edges += [f"{name}-find.passages > fuse.{way}" for name, way in ways]
        edges.append("fuse.passages > prompt.passages")
    return Flow(
        nodes=tuple(FlowNode(id=name, component=kind, params=own) for name, kind, own in nodes),
        edges=tuple(edge(*line.split(" > ")) for line in edges),
    )


def custom(owner: User, flow: Flow, collections: list[str]) -> Project:
    return project_of(
        owner,
        {"application": "custom", "flow": flow, "knowledge": {"collections": collections}},
    )


def test_documents_embedding_store_retriever_prompt_and_model_answer(
    owner: User, qdrant: VectorStore, openai_server: FakeOpenAI
) -> None:
    name = connect(owner, qdrant)
    project = custom(owner, drawn({"hr": ("vector-store-qdrant", {"server": name})}), ["hr"])

    assert findings(spec_of(project.draft), context_for(owner)) == []
    events = asked(owner, project)

    assert isinstance(events[-1], Answer)
    assert events[-1].text
    assert found(events, "hr-find") == ["leave.md"]
    assert noted(events, "hr-find")["store"] == name
    assert "thirty days" in str(openai_server.requests[-1].body["messages"])


def test_two_retrievers_on_two_stores(
    owner: User, qdrant: VectorStore, milvus: VectorStore
) -> None:
    stores = {
        "hr": ("vector-store-qdrant", {"server": connect(owner, qdrant)}),
        "it": ("vector-store-milvus", {"server": connect(owner, milvus)}),
    }
    events = asked(owner, custom(owner, drawn(stores), ["hr", "it"]))

    assert found(events, "hr-find") == ["leave.md"]
    assert found(events, "it-find") == ["locks.md"]
    assert sorted(found(events, "fuse")) == ["leave.md", "locks.md"]
    assert noted(events, "hr-find")["store"] != noted(events, "it-find")["store"]


def test_one_store_outside_and_the_studios_own(owner: User, qdrant: VectorStore) -> None:
    stores: dict[str, tuple[str, dict[str, Any]]] = {
        "hr": ("vector-store-qdrant", {"server": connect(owner, qdrant)}),
        "it": ("vector-store-embedded", {}),
    }
    events = asked(owner, custom(owner, drawn(stores), ["hr", "it"]))

    assert sorted(found(events, "fuse")) == ["leave.md", "locks.md"]
    assert "store" not in noted(events, "it-find")


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_the_store_of_a_blueprint_finds_what_the_studios_own_index_finds(
    owner: User, qdrant: VectorStore, mode: str
) -> None:
    def passages(store: dict[str, str]) -> list[str]:
        knowledge = {"collections": ["hr", "it"], "retrieve": {"mode": mode}, "store": store}
        project = project_of(owner, {"application": "qna", "knowledge": knowledge})
        return found(asked(owner, project), "retriever")

    outside = passages({"kind": "qdrant", "connection": connect(owner, qdrant)})

    assert outside == passages({"kind": "embedded"})
    assert "leave.md" in outside


def test_a_store_that_is_down_is_said_and_nothing_is_answered(
    owner: User, qdrant: VectorStore
) -> None:
    name = connect(owner, qdrant)
    knowledge = {"collections": ["hr"], "store": {"kind": "qdrant", "connection": name}}
    project = project_of(owner, {"application": "qna", "knowledge": knowledge})
    asked(owner, project)
    placed.forget()

    qdrant.proxy.stop()
    with pytest.raises(ServiceFault, match=name):
        asked(owner, project)
