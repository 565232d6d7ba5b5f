"""Servers and resources of the runtime's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from apps.runtime.embedding import BuiltinEmbedder, builtin_embedder
from apps.runtime.http import close_sessions
from apps.runtime.resources import ModelServer
from tests.fakes.openai_server import FakeOpenAI
from tests.servers.environment import model_cache


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as server:
        yield server


@pytest.fixture
async def server(fake: FakeOpenAI) -> AsyncIterator[ModelServer]:
    """The fake as a connection with short patience."""
    fake.reset()
    yield ModelServer(
        name="local",
        base_url=fake.url,
        connect_timeout_s=1.0,
        first_token_timeout_s=1.5,
        stall_timeout_s=0.7,
    )
    await close_sessions()


@pytest.fixture(scope="session")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> BuiltinEmbedder:
    return builtin_embedder(model_cache(tmp_path_factory.mktemp("models")))
