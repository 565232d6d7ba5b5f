"""Passages for a question."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from apps.runtime.adapters.base import Adapter, Params, Step
from apps.runtime.errors import UserFault
from apps.runtime.events import Documents, Event, Passage
from apps.runtime.followup import standalone
from apps.runtime.resources import (
    Comparing,
    Divisible,
    ModelServer,
    Placed,
    RetrievalMode,
    Retriever,
)
from apps.runtime.selection import candidates, diverse, fits
from apps.runtime.stores.index import Index


class KnowledgeMissing(UserFault):
    code = "run.knowledge-missing"
    sentence = "This application searches documents, and no collection is connected to it."


class CollectionMissing(UserFault):
    code = "run.collection-missing"
    sentence = (
        "The retriever {node} searches the collection {name}, which this application does not have. "
        "Add it to the project's collections and build again."
    )


class VectorsMissing(UserFault):
    code = "run.vectors-missing"
    sentence = (
        "The retriever {node} compares passages by meaning, and what it searches has no vectors. Set "
        "its diversity and least similarity to 0."
    )


class StoreUnreachable(UserFault):
    code = "run.store-unreachable"
    sentence = (
        "The retriever {node} searches the vector store {name}, and what holds the documents here cannot "
        "use one. Take the store away, or build again."
    )


class RetrieverParams(Params):
    """collections: only these of the project's; empty is those of the index, or all. min_score: on the scale of
    `selection.fits`; 0 is off."""

    mode: RetrievalMode = "hybrid"
    k: int = Field(default=6, ge=1, le=50)
    diversity: float = Field(default=0, ge=0, le=1)
    min_score: float = Field(default=0, ge=0, le=1)
    collections: tuple[str, ...] = ()


async def retrieve(step: Step) -> AsyncIterator[Event]:
    params = step.given(RetrieverParams)
    query = standalone(step.inputs["question"], step.history)
    passages = await find(step, params, query)
    step.outputs = {"passages": passages}
    step.noted |= {"passages": len(passages), "query": query}
    yield Documents(step.node, passages)


async def find(step: Step, params: RetrieverParams, query: str) -> tuple[Passage, ...]:
    """The passages for a query. Raises KnowledgeMissing, CollectionMissing, and what a search raises."""
    index: Index | None = step.inputs.get("index")
    source = await _source(step, params.collections or (index.collections if index else ()))
    if index and index.server:
        source = await _placed(step, source, index.server)
    wanted = candidates(params.k, params.diversity)
    found = await source.search(query, mode=params.mode, k=wanted)
    by_cosine = params.min_score > 0 and params.mode == "hybrid"
    vectors: NDArray[np.float32] | None = None
    cosines: NDArray[np.float32] | None = None
    if found and (params.diversity > 0 or by_cosine):
        asked, vectors = await _vectors(step, source, query, found)
        cosines = np.einsum("ij,j->i", vectors, asked)
    if found and params.min_score > 0:
        keep = np.flatnonzero(fits(found, params.mode, cosines) >= params.min_score)
        step.noted["below_min_score"] = len(found) - len(keep)
        found = [found[place] for place in keep]
        vectors = None if vectors is None else vectors[keep]
    if found and params.diversity > 0 and vectors is not None:
        found = diverse(found, vectors, params.k, params.diversity)
    return tuple(found[: params.k])


async def _source(step: Step, collections: Sequence[str]) -> Retriever:
    whole = step.resources.retriever
    if whole is None:
        raise KnowledgeMissing
    if not collections:
        return whole
    if not isinstance(whole, Divisible):
        raise CollectionMissing(node=step.node, name=collections[0])
    try:
        return await asyncio.to_thread(whole.within, collections)  # it may read a file
    except KeyError as error:
        raise CollectionMissing(node=step.node, name=error.args[0]) from error


async def _placed(step: Step, source: Retriever, server: ModelServer) -> Retriever:
    """The same collections, ranked by a store's vectors."""
    if not isinstance(source, Placed):
        raise StoreUnreachable(node=step.node, name=server.name)
    placed = await asyncio.to_thread(source.placed_at, server)
    if placed is not source:  # a snapshot ranks by itself
        step.noted["store"] = server.name
    return placed


async def _vectors(
    step: Step, source: Retriever, query: str, passages: Sequence[Passage]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The query's vector and the passages', normalised: the retriever's, else made now."""
    if isinstance(source, Comparing):
        return await source.vectors(query, passages)
    embedder = step.resources.any_embedder
    if embedder is None:
        raise VectorsMissing(node=step.node)
    texts = [query, *(passage.text for passage in passages)]
    made = await asyncio.to_thread(embedder.embed, texts)
    return made[0], made[1:]


RETRIEVER = Adapter("retriever", retrieve, RetrieverParams)
