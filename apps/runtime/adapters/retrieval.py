"""Passages for a question."""

from __future__ import annotations

from collections.abc import AsyncIterator

from pydantic import Field

from apps.runtime.adapters.base import Adapter, Params, Step
from apps.runtime.errors import UserFault
from apps.runtime.events import Documents, Event
from apps.runtime.followup import standalone
from apps.runtime.resources import RetrievalMode


class KnowledgeMissing(UserFault):
    code = "run.knowledge-missing"
    sentence = "This application searches documents, and no collection is connected to it."


class RetrieverParams(Params):
    mode: RetrievalMode = "hybrid"
    k: int = Field(default=6, ge=1, le=50)


async def retrieve(step: Step) -> AsyncIterator[Event]:
    params = step.given(RetrieverParams)
    if step.resources.retriever is None:
        raise KnowledgeMissing
    query = standalone(step.inputs["question"], step.history)
    found = await step.resources.retriever.search(query, mode=params.mode, k=params.k)
    passages = tuple(found)
    step.outputs = {"passages": passages}
    step.noted = {"passages": len(passages), "query": query}
    yield Documents(step.node, passages)


RETRIEVER = Adapter("retriever", retrieve, RetrieverParams)
