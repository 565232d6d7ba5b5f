"""Passages from OPEA's retriever, which searches a vector store that OPEA's dataprep has filled.

It takes vectors only, so the question is embedded here, by the model that embedded those documents.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from apps.runtime import opea, openai
from apps.runtime.adapters.base import Adapter, Params, Step
from apps.runtime.adapters.retrieval import VectorsMissing
from apps.runtime.events import Documents, Event, Passage
from apps.runtime.followup import standalone
from apps.runtime.graph import BUILTIN
from apps.runtime.resources import ModelServer

NAMES = ("source", "file_name", "filename", "doc_name", "name")
"""Under one of these a passage's metadata may name its document; each of OPEA's stores has its own."""


class OpeaRetrieverParams(Params):
    """connection, model: what embeds the question. diversity: 0 is plain similarity, above it MMR."""

    server: str
    connection: str = BUILTIN
    model: str = ""
    k: int = Field(default=6, ge=1, le=50)
    diversity: float = Field(default=0, ge=0, le=1)
    min_score: float = Field(default=0, ge=0, le=1)
    index_name: str = ""


async def retrieve_by_opea(step: Step) -> AsyncIterator[Event]:
    """Best first; the service tells no scores, so a passage's says its place: 1, 1/2, 1/3 and so on."""
    params = step.given(OpeaRetrieverParams)
    server = step.server(params.server)
    query = standalone(step.inputs["question"], step.history)
    vector = await _embedded(step, params, query)
    body: dict[str, Any] = {
        "text": query,
        "embedding": vector.tolist(),
        "search_type": _search_type(params),
        "k": params.k,
        "fetch_k": max(20, 4 * params.k),
        "lambda_mult": 1 - params.diversity,
        "score_threshold": params.min_score,
    }
    if params.index_name:
        body["index_name"] = params.index_name
    answer = await opea.post(server, "v1/retrieval", body)
    passages = _passages(server, answer)[: params.k]  # some of its stores do not heed k
    step.outputs = {"passages": passages}
    step.noted = {"passages": len(passages), "query": query}
    yield Documents(step.node, passages)


def _search_type(
    params: OpeaRetrieverParams,
) -> Literal["mmr", "similarity", "similarity_score_threshold"]:
    if params.diversity:
        return "mmr"
    return "similarity_score_threshold" if params.min_score else "similarity"


async def _embedded(step: Step, params: OpeaRetrieverParams, query: str) -> NDArray[np.float32]:
    if params.connection != BUILTIN:
        made = await openai.embeddings(step.server(params.connection), params.model, [query])
        return np.asarray(made[0], np.float32)
    embedder = step.resources.any_embedder
    if embedder is None:
        raise VectorsMissing(node=step.node)
    made = await asyncio.to_thread(embedder.embed, [query])
    return np.asarray(made[0], np.float32)


def _passages(server: ModelServer, answer: Any) -> tuple[Passage, ...]:
    try:
        rows = [
            (str(row.get("id", at)), str(row["text"]))
            for at, row in enumerate(answer["retrieved_docs"])
        ]
        told = list(answer.get("metadata") or ())
    except (LookupError, TypeError, AttributeError) as error:
        raise opea.unfit(server, "its answer holds no passages") from error
    return tuple(
        Passage(
            chunk_id=f"{server.name}:{name}",
            document_id=f"{server.name}:{document}",
            document=document,
            text=text,
            score=1 / (at + 1),
            ordinal=at,
        )
        for at, (name, text) in enumerate(rows)
        for document in [_document(server, told[at] if at < len(told) else None)]
    )


def _document(server: ModelServer, metadata: Any) -> str:
    given = metadata if isinstance(metadata, dict) else {}
    return next((str(given[name]) for name in NAMES if given.get(name)), server.name)


OPEA_RETRIEVER = Adapter("opea-retriever", retrieve_by_opea, OpeaRetrieverParams)
