"""What each component does. A step yields events as they happen and leaves its outputs behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from apps.runtime.citations import citations_of
from apps.runtime.components import (
    LlmParams,
    Params,
    PromptParams,
    Reply,
    RetrieverParams,
)
from apps.runtime.embedding import Embedder
from apps.runtime.errors import UserFault
from apps.runtime.events import Documents, Event, Passage, Token, Usage
from apps.runtime.extractive import answer_from
from apps.runtime.followup import standalone
from apps.runtime.openai import ChatStream
from apps.runtime.prompt import build_messages
from apps.runtime.resources import ModelServer, Resources, RunRequest, Sampling, Turn

CHARS_PER_TOKEN = 4
"""For estimates only, where a server tells no usage; usual for English text."""


class ConnectionMissing(UserFault):
    code = "run.connection-missing"
    sentence = (
        "The connection {name} does not exist any more. Choose another model and build again."
    )


class KnowledgeMissing(UserFault):
    code = "run.knowledge-missing"
    sentence = "This application searches documents, and no collection is connected to it."


class QuestionMissing(UserFault):
    code = "run.question-missing"
    sentence = "There is no question to answer. The last message must be the user's."


@dataclass(slots=True)
class Step:
    """One node of one run. inputs: port -> value; unconnected optional ports are absent."""

    node: str
    params: Params
    inputs: Mapping[str, Any]
    request: RunRequest
    resources: Resources
    outputs: dict[str, Any] = field(default_factory=dict)
    noted: dict[str, Any] = field(default_factory=dict)
    """What the trace shows of the outputs."""

    @property
    def history(self) -> tuple[Turn, ...]:
        return cast("tuple[Turn, ...]", self.inputs.get("history", ()))


async def chat_input(step: Step) -> AsyncIterator[Event]:
    turns = tuple(step.request.turns)
    if not turns or turns[-1].role != "user" or not turns[-1].content.strip():
        raise QuestionMissing
    step.outputs = {"question": turns[-1].content, "history": turns[:-1]}
    return
    yield  # an async generator that yields nothing


async def retrieve(step: Step) -> AsyncIterator[Event]:
    params = cast("RetrieverParams", step.params)
    if step.resources.retriever is None:
        raise KnowledgeMissing
    query = standalone(step.inputs["question"], step.history)
    found = await step.resources.retriever.search(query, mode=params.mode, k=params.k)
    passages = tuple(found)
    step.outputs = {"passages": passages}
    step.noted = {"passages": len(passages), "query": query}
    yield Documents(step.node, passages)


async def prompt(step: Step) -> AsyncIterator[Event]:
    params = cast("PromptParams", step.params)
    messages = build_messages(
        params.instruction, step.inputs["question"], step.history, step.inputs.get("passages")
    )
    step.outputs = {"messages": messages}
    step.noted = {"messages": len(messages), "chars": sum(len(turn.content) for turn in messages)}
    return
    yield  # an async generator that yields nothing


async def generate(step: Step) -> AsyncIterator[Event]:
    params = cast("LlmParams", step.params)
    messages: tuple[Turn, ...] = step.inputs["messages"]
    stream = ChatStream(
        _server(step.resources, params.server),
        params.model,
        messages,
        _sampling(params, step.request.sampling),
    )
    parts: list[str] = []
    node = step.node
    async with aclosing(stream.texts()) as pieces:
        async for text in pieces:
            parts.append(text)
            yield Token(node, text)
    if stream.usage:
        yield Usage(node, *stream.usage)
    else:
        chars = sum(len(turn.content) for turn in messages)
        yield Usage(node, chars // CHARS_PER_TOKEN, stream.pieces, estimated=True)
    reply = Reply("".join(parts), None, stream.finish_reason or "stop", params.model)
    step.outputs = {"answer": reply}
    step.noted = {"model": params.model, "finish_reason": reply.finish_reason}


def _server(resources: Resources, name: str) -> ModelServer:
    try:
        return resources.servers[name]
    except KeyError:
        raise ConnectionMissing(name=name) from None


def _sampling(params: LlmParams, asked: Sampling) -> Sampling:
    """What the request says, else what the graph says."""
    return Sampling(
        params.temperature if asked.temperature is None else asked.temperature,
        params.top_p if asked.top_p is None else asked.top_p,
        params.top_k if asked.top_k is None else asked.top_k,
        params.max_tokens if asked.max_tokens is None else asked.max_tokens,
    )


async def quote(step: Step) -> AsyncIterator[Event]:
    passages: tuple[Passage, ...] = step.inputs["passages"]
    question = standalone(step.inputs["question"], step.history)
    pieces, reply = await asyncio.to_thread(
        answer_from, question, passages, _embedder(step.resources)
    )
    for piece in pieces:
        yield Token(step.node, piece)
    step.outputs = {"answer": reply}
    step.noted = {"quotations": len(reply.citations or ())}


def _embedder(resources: Resources) -> Embedder | None:
    return resources.embedder or getattr(resources.retriever, "embedder", None)


async def chat_output(step: Step) -> AsyncIterator[Event]:
    """Gives the Answer's reply its citations."""
    reply: Reply = step.inputs["answer"]
    citations = reply.citations
    if citations is None:
        citations = citations_of(reply.text, step.inputs.get("passages", ()))
    step.outputs = {
        "reply": Reply(reply.text, citations, reply.finish_reason, reply.model, reply.generated)
    }
    step.noted = {"citations": len(citations)}
    return
    yield  # an async generator that yields nothing


STEPS: Mapping[str, Callable[[Step], AsyncIterator[Event]]] = {
    "chat-input": chat_input,
    "retriever": retrieve,
    "prompt": prompt,
    "llm": generate,
    "extractive": quote,
    "chat-output": chat_output,
}
