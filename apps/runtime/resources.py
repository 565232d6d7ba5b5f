"""What a graph needs from its surroundings to run, named as the graph names it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from apps.runtime.events import Passage
from apps.runtime.media import Media

if TYPE_CHECKING:
    from apps.runtime.embedding import Embedder

RetrievalMode = Literal["hybrid", "dense", "lexical"]
ServerKind = Literal["openai", "opea", "http", "redis", "qdrant", "milvus", "pgvector"]
KINDS: Final[tuple[str, ...]] = get_args(ServerKind)
Role = Literal["system", "user", "assistant"]


class Retriever(Protocol):
    """Finds passages in one or more collections.

    One that has an attribute `embedder` lends it to the extractive answerer. What else one may be able
    to do: `Divisible`, `Comparing`.
    """

    async def search(self, query: str, *, mode: RetrievalMode, k: int) -> list[Passage]:
        """The best k passages for the query, best first; fewer if there are fewer."""
        ...


@runtime_checkable
class Divisible(Protocol):
    """A Retriever that can be limited to some of its collections."""

    def within(self, collections: Sequence[str]) -> Retriever:
        """Over these collections only. Raises KeyError with the first name that it does not have."""
        ...


@runtime_checkable
class Comparing(Protocol):
    """A Retriever that keeps vectors."""

    async def vectors(
        self, query: str, passages: Sequence[Passage]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(d,) and (n, d), L2-normalised: of the query and of passages that its search found."""
        ...


@runtime_checkable
class Placed(Protocol):
    """A Retriever whose vectors can be kept by a vector store as well."""

    def placed_at(self, server: ModelServer) -> Retriever:
        """The same collections, ranked by meaning in that store; `stores.STORE_KINDS` are possible."""
        ...


@dataclass(frozen=True, slots=True)
class ModelServer:
    """A server behind a connection.

    kind       "openai": base_url ends before `/chat/completions` (usually `/v1`);
               "opea": a microservice of OPEA, base_url ends before its path (`/v1/asr`, `/rerank`);
               "http": any other service, for tools;
               "redis", "qdrant", "milvus", "pgvector": a vector store (`stores.STORE_KINDS`), whose
               api_key is its password, key or token
    """

    name: str
    base_url: str
    api_key: str = field(default="", repr=False)
    connect_timeout_s: float = 5.0
    first_token_timeout_s: float = 120.0
    stall_timeout_s: float = 60.0
    kind: ServerKind = "openai"


@dataclass(frozen=True, slots=True)
class Turn:
    """media: pictures, sound and files that came with the words; only models that take them see them."""

    role: Role
    content: str
    media: tuple[Media, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters of one request; None leaves the graph's own value."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class RunRequest:
    """turns   the conversation so far, oldest first; the last one is the user's question
    fields    what the application's own form asks for beside the question: {"target": "German"}
    inspect   whether Finished events also show what went into and came out of each step
    """

    turns: Sequence[Turn]
    sampling: Sampling = Sampling()
    fields: Mapping[str, str] = field(default_factory=dict)
    inspect: bool = False


@dataclass(frozen=True, slots=True)
class Resources:
    """embedder: weighs sentences for what is built in; the retriever's own if None.

    read_document: the text of an attached file; raises a UserFault for what it cannot read
    """

    servers: Mapping[str, ModelServer] = field(default_factory=dict)
    retriever: Retriever | None = None
    embedder: Embedder | None = None
    read_document: Callable[[Media], Awaitable[str]] | None = None

    @property
    def any_embedder(self) -> Embedder | None:
        """The embedder, or the one that the retriever lends."""
        return self.embedder or getattr(self.retriever, "embedder", None)
