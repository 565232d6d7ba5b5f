"""From documents to what a retriever searches. These steps move nothing: rows and stores hold it already."""

from __future__ import annotations

from collections.abc import AsyncIterator

from apps.runtime.adapters.base import Adapter, Params, Step
from apps.runtime.errors import UserFault
from apps.runtime.events import Event
from apps.runtime.graph import BUILTIN
from apps.runtime.stores.index import STORE_KINDS, Chunks, Index, Vectors


class NoStore(UserFault):
    code = "run.no-vector-store"
    sentence = (
        "{node} keeps vectors at the connection {name}, which is no vector store ({kind}). Choose "
        "another connection and build again."
    )


class DataprepParams(Params):
    """size, overlap: as collections were to be cut when they were made; what is there keeps its own."""

    collections: tuple[str, ...] = ()
    size: int = 800
    overlap: int = 120


class EmbeddingParams(Params):
    server: str = BUILTIN
    model: str = ""


class StoreParams(Params):
    server: str = BUILTIN


async def dataprep(step: Step) -> AsyncIterator[Event]:
    params = step.given(DataprepParams)
    step.outputs = {"chunks": Chunks(params.collections)}
    step.noted = {"collections": list(params.collections) or "all"}
    return
    yield  # an async generator that yields nothing


async def embedding(step: Step) -> AsyncIterator[Event]:
    params = step.given(EmbeddingParams)
    step.outputs = {"vectors": Vectors(step.inputs["chunks"], params.model)}
    step.noted = {"model": params.model}
    return
    yield  # an async generator that yields nothing


async def vector_store(step: Step) -> AsyncIterator[Event]:
    """Raises ConnectionMissing, NoStore."""
    name = step.given(StoreParams).server
    vectors: Vectors = step.inputs["vectors"]
    server = None if name == BUILTIN else step.server(name)
    if server is not None and server.kind not in STORE_KINDS:
        raise NoStore(node=step.node, name=name, kind=server.kind)
    step.outputs = {"index": Index(vectors.chunks.collections, server)}
    step.noted = {"store": name}
    return
    yield  # an async generator that yields nothing


DATAPREP = Adapter("dataprep", dataprep, DataprepParams)
EMBEDDING = Adapter("embedding", embedding, EmbeddingParams)
VECTOR_STORE = Adapter("vector-store", vector_store, StoreParams)
