"""Prompts, language models, and the answerer that needs none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict

from apps.runtime.adapters.asking import CHARS_PER_TOKEN
from apps.runtime.adapters.base import Adapter, Params, Step
from apps.runtime.events import Event, Passage, Token, Usage
from apps.runtime.extractive import answer_from
from apps.runtime.followup import standalone
from apps.runtime.long_texts import Divided, Part, Unfenced
from apps.runtime.opea_streams import OpeaStream
from apps.runtime.openai import ChatStream
from apps.runtime.ports import Reply
from apps.runtime.prompt import build_messages
from apps.runtime.resources import Sampling, Turn

TEXTGEN_TAKES = ("temperature", "top_p", "max_tokens")


class PromptParams(Params):
    instruction: str = ""


class LlmParams(Params):
    """server: a connection's name. What a request says of sampling comes first, then this."""

    server: str
    model: str
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None

    def sampling(self, asked: Sampling) -> Sampling:
        return Sampling(
            self.temperature if asked.temperature is None else asked.temperature,
            self.top_p if asked.top_p is None else asked.top_p,
            self.top_k if asked.top_k is None else asked.top_k,
            self.max_tokens if asked.max_tokens is None else asked.max_tokens,
        )


async def prompt(step: Step) -> AsyncIterator[Event]:
    params = step.given(PromptParams)
    messages = build_messages(
        params.instruction, step.inputs["question"], step.history, step.inputs.get("passages")
    )
    step.outputs = {"messages": messages}
    step.noted = {"messages": len(messages), "chars": sum(len(turn.content) for turn in messages)}
    return
    yield  # an async generator that yields nothing


Asks = Callable[[Sequence[Turn]], "ChatStream | OpeaStream"]


async def generate(step: Step) -> AsyncIterator[Event]:
    params = step.given(LlmParams)
    server, sampling = step.server(params.server), params.sampling(step.request.sampling)

    def ask(messages: Sequence[Turn]) -> ChatStream:
        return ChatStream(server, params.model, messages, sampling)

    async for event in answered(step, ask, sampling.max_tokens):
        yield event


async def generate_by_textgen(step: Step) -> AsyncIterator[Event]:
    """OPEA's llm-textgen. It has one model and ignores the name, drops top_k in silence, and takes a
    temperature of 0 for none given; a list of messages it streams only when told to."""
    params = step.given(LlmParams)
    server = step.server(params.server)
    sampling = asdict(params.sampling(step.request.sampling))

    def ask(messages: Sequence[Turn]) -> OpeaStream:
        body = {
            "model": params.model,
            "messages": [{"role": turn.role, "content": turn.content} for turn in messages],
            "stream": True,
            **{name: sampling[name] for name in TEXTGEN_TAKES if sampling[name] is not None},
        }
        return OpeaStream(server, "v1/chat/completions", body)

    async for event in answered(step, ask, sampling["max_tokens"]):
        yield event


async def answered(step: Step, ask: Asks, max_tokens: int | None) -> AsyncIterator[Event]:
    """One request; of a text that is longer than a reply may be, one for each part, in their order."""
    messages: tuple[Turn, ...] = step.inputs["messages"]
    parts = messages.parts(max_tokens) if isinstance(messages, Divided) else []
    if isinstance(messages, Divided) and len(parts) > 1:
        async for event in in_parts(step, ask, messages, parts):
            yield event
        return
    async for event in written(step, ask(messages), messages):
        yield event


async def in_parts(
    step: Step, ask: Asks, divided: Divided, parts: Sequence[Part]
) -> AsyncIterator[Event]:
    """The translations of a text's parts as one answer, which streams from the first part on."""
    unfenced = Unfenced() if divided.kind == "code" else None
    shown: list[str] = []
    before, finish = "", "stop"

    def tokens(*texts: str) -> Iterator[Token]:
        for text in filter(None, texts):
            shown.append(text)
            yield Token(step.node, text)

    for number, part in enumerate(parts, start=1):
        messages = divided.build(part.text, before)
        stream, said = ask(messages), ""
        async with aclosing(stream.texts()) as pieces:
            async for piece in pieces:
                said += piece
                for token in tokens(unfenced.feed(piece) if unfenced else piece):
                    yield token
        yield usage_of(step.node, stream, messages)
        finish = "length" if stream.finish_reason == "length" else finish
        before = divided.tail(said.replace("```", "") if unfenced else said)
        if number < len(parts):
            for token in tokens(unfenced.part_ends(part.joint) if unfenced else part.joint):
                yield token
    for token in tokens(unfenced.end() if unfenced else ""):
        yield token
    model = step.given(LlmParams).model
    reply = Reply("".join(shown), None, "length" if finish == "length" else "stop", model)
    step.outputs = {"answer": reply}
    step.noted = {"model": model, "finish_reason": reply.finish_reason, "parts": len(parts)}


async def written(
    step: Step, stream: ChatStream | OpeaStream, messages: Sequence[Turn]
) -> AsyncIterator[Event]:
    """The tokens and usage of a stream; its whole text becomes the step's answer."""
    parts: list[str] = []
    node = step.node
    async with aclosing(stream.texts()) as pieces:
        async for text in pieces:
            parts.append(text)
            yield Token(node, text)
    yield usage_of(node, stream, messages)
    model = step.given(LlmParams).model
    reply = Reply("".join(parts), None, stream.finish_reason or "stop", model)
    step.outputs = {"answer": reply}
    step.noted = {"model": model, "finish_reason": reply.finish_reason}


def usage_of(node: str, stream: ChatStream | OpeaStream, messages: Sequence[Turn]) -> Usage:
    """What the server counted, else an estimate."""
    if stream.usage:
        return Usage(node, *stream.usage)
    chars = sum(len(turn.content) for turn in messages)
    return Usage(node, chars // CHARS_PER_TOKEN, stream.pieces, estimated=True)


async def quote(step: Step) -> AsyncIterator[Event]:
    passages: tuple[Passage, ...] = step.inputs["passages"]
    question = standalone(step.inputs["question"], step.history)
    pieces, reply = await asyncio.to_thread(
        answer_from, question, passages, step.resources.any_embedder
    )
    for piece in pieces:
        yield Token(step.node, piece)
    step.outputs = {"answer": reply}
    step.noted = {"quotations": len(reply.citations or ())}


PROMPT = Adapter("prompt", prompt, PromptParams)
OPEA_TEXTGEN = Adapter(
    "opea-textgen", generate_by_textgen, LlmParams, speaks=True, ignores=frozenset(("top_k",))
)
OPENAI_CHAT = Adapter("openai-chat", generate, LlmParams, speaks=True)
EXTRACTIVE = Adapter("extractive", quote, speaks=True)
