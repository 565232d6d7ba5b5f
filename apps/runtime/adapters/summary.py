"""Summaries: by a model in one of four ways, by OPEA's service, or of the text's own central sentences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Final

from pydantic import Field

from apps.runtime.adapters.base import Adapter, Step
from apps.runtime.adapters.generation import LlmParams, usage_of, written
from apps.runtime.central import summary_of
from apps.runtime.errors import UserFault
from apps.runtime.events import Event, Token
from apps.runtime.opea_streams import OpeaStream
from apps.runtime.openai import ChatStream
from apps.runtime.resources import Turn
from apps.runtime.summarizing import (
    PIECES_MOST,
    Strategy,
    part_messages,
    pieces_of,
    refining_messages,
    strategy_for,
    together_messages,
    whole_messages,
)

AT_ONCE = 4
"""Parts of one text that are summarised at the same time."""
PART_SHARE = 0.25
"""Of a piece, what its summary may fill, so that each round of reduction shrinks the text."""
CHARS_PER_WORD = 6
WORDS_LEAST, WORDS_MOST = 10, 5_000
DOCSUM: Final[dict[Strategy, str]] = {
    "auto": "auto",
    "stuff": "stuff",
    "map-reduce": "map_reduce",
    "refine": "refine",
}
"""OPEA's words for the strategies."""
DOCSUM_TAKES = ("temperature", "top_p", "top_k", "max_tokens")


class TextTooLong(UserFault):
    code = "run.text-too-long"
    sentence = (
        "The text has {chars:,} characters, which would take {pieces} requests; {most} are allowed. "
        "Raise the characters per part, or send a shorter text."
    )


class SummaryParams(LlmParams):
    """words: about how long; piece_chars: how much of a text the model reads at once."""

    strategy: Strategy = "auto"
    words: int = Field(default=150, ge=WORDS_LEAST, le=WORDS_MOST)
    piece_chars: int = Field(default=12_000, ge=500, le=400_000)
    instruction: str = ""


async def summarise(step: Step) -> AsyncIterator[Event]:
    """The last request streams; those before it are part of the work and not of the reply."""
    params = step.given(SummaryParams)
    text: str = step.inputs["text"]
    strategy = strategy_for(params.strategy, len(text), params.piece_chars)
    pieces = [text] if strategy == "stuff" else pieces_of(text, params.piece_chars)
    if len(pieces) > PIECES_MOST:
        raise TextTooLong(chars=len(text), pieces=len(pieces), most=PIECES_MOST)
    words, asked = _words(step), step.inputs.get("request", "")
    requests = 1
    if len(pieces) == 1:
        messages = whole_messages(pieces[0], words, params.instruction, asked)
    elif strategy == "refine":
        so_far = ""
        for number, piece in enumerate(pieces[:-1]):
            told = (
                refining_messages(so_far, piece, words, params.instruction, asked)
                if number
                else whole_messages(piece, words, params.instruction, asked)
            )
            so_far, usage = await _unseen(step, told)
            requests += 1
            yield usage
        messages = refining_messages(so_far, pieces[-1], words, params.instruction, asked)
    else:
        parts = pieces
        while len(parts) > 1 or parts is pieces:
            found = await _parts(step, parts, asked)
            requests += len(parts)
            for _, usage in found:
                yield usage
            parts = [said for said, _ in found]
            together = "\n\n".join(parts)
            if len(together) <= params.piece_chars:
                break
            shorter = pieces_of(together, params.piece_chars)
            if len(shorter) >= len(parts):  # the model does not keep to its length: no end in sight
                break
            parts = shorter
        messages = together_messages(parts, words, params.instruction, asked)
    async for event in written(step, _stream(step, messages), messages):
        yield event
    step.noted |= {"strategy": strategy, "pieces": len(pieces), "requests": requests}


async def summarise_by_docsum(step: Step) -> AsyncIterator[Event]:
    """OPEA's llm-docsum. Its length is a number of tokens, and it knows neither words nor instructions."""
    params = step.given(SummaryParams)
    text: str = step.inputs["text"]
    sampling = asdict(params.sampling(step.request.sampling))
    body = {
        "messages": text,
        "summary_type": DOCSUM[params.strategy],
        "language": "auto",
        "stream": params.strategy != "map-reduce",
        **{name: sampling[name] for name in DOCSUM_TAKES if sampling[name] is not None},
    }
    stream = OpeaStream(step.server(params.server), "v1/docsum", body)
    async for event in written(step, stream, (Turn("user", text),)):
        yield event
    step.noted["strategy"] = params.strategy


async def quote_central(step: Step) -> AsyncIterator[Event]:
    pieces, reply = await asyncio.to_thread(
        summary_of,
        step.inputs["text"],
        _words(step),
        step.resources.any_embedder,
        step.inputs.get("request", ""),
    )
    for piece in pieces:
        yield Token(step.node, piece)
    step.outputs = {"answer": reply}
    step.noted = {"sentences": len(pieces)}


def _words(step: Step) -> int:
    """What the request's field says where it is such a number, else the application's own."""
    asked = step.request.fields.get("words", "").strip()
    if asked.isdecimal() and WORDS_LEAST <= int(asked[:6]) <= WORDS_MOST:
        return int(asked[:6])
    return step.given(SummaryParams).words


async def _parts(step: Step, pieces: Sequence[str], asked: str) -> list[tuple[str, Event]]:
    """Each piece's summary with its usage, AT_ONCE at a time. The first failure ends the others."""
    params = step.given(SummaryParams)
    most = max(40, int(params.piece_chars * PART_SHARE / CHARS_PER_WORD))
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(piece: str) -> tuple[str, Event]:
        async with gate:
            return await _unseen(step, part_messages(piece, most, params.instruction, asked))

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(piece)) for piece in pieces]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def _unseen(step: Step, messages: Sequence[Turn]) -> tuple[str, Event]:
    stream = _stream(step, messages)
    parts: list[str] = []
    async with aclosing(stream.texts()) as texts:
        async for text in texts:
            parts.append(text)
    return "".join(parts), usage_of(step.node, stream, messages)


def _stream(step: Step, messages: Sequence[Turn]) -> ChatStream:
    params = step.given(SummaryParams)
    sampling = params.sampling(step.request.sampling)
    return ChatStream(step.server(params.server), params.model, messages, sampling)


FIELDS = ("words",)
OPENAI_SUMMARY = Adapter("openai-summary", summarise, SummaryParams, speaks=True, fields=FIELDS)
OPEA_DOCSUM = Adapter(
    "opea-docsum",
    summarise_by_docsum,
    SummaryParams,
    speaks=True,
    ignores=frozenset(("words", "piece_chars", "instruction")),
)
EXTRACTIVE_SUMMARY = Adapter(
    "extractive-summary",
    quote_central,
    SummaryParams,
    speaks=True,
    fields=FIELDS,
    ignores=frozenset(
        (
            *("model", "temperature", "top_p", "top_k", "max_tokens"),
            *("strategy", "piece_chars", "instruction"),
        )
    ),
)
