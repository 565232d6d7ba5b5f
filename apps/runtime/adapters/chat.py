"""Where a question enters the graph and where the reply leaves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from apps.runtime.adapters.base import Adapter, Step
from apps.runtime.citations import citations_of
from apps.runtime.errors import UserFault
from apps.runtime.events import Event
from apps.runtime.ports import Reply


class QuestionMissing(UserFault):
    code = "run.question-missing"
    sentence = "There is no question to answer. The last message must be the user's."


async def take(step: Step) -> AsyncIterator[Event]:
    """question, history, and each kind of media that came with the question. No words, no question:
    the branch behind it is closed, as for a spoken question that is still to be heard."""
    turns = tuple(step.request.turns)
    if not turns or turns[-1].role != "user":
        raise QuestionMissing
    asked = turns[-1]
    if not asked.content.strip() and not asked.media:
        raise QuestionMissing
    step.outputs = {"history": turns[:-1]}
    if asked.content.strip():
        step.outputs["question"] = asked.content
    for media in asked.media:
        step.outputs.setdefault(media.kind, media)
    return
    yield  # an async generator that yields nothing


async def give(step: Step) -> AsyncIterator[Event]:
    """Gives the Answer's reply its citations, and the sound made of it."""
    reply: Reply = step.inputs["answer"]
    citations = reply.citations
    if citations is None:
        citations = citations_of(reply.text, step.inputs.get("passages", ()))
    media = reply.media + ((step.inputs["audio"],) if "audio" in step.inputs else ())
    step.outputs = {"reply": replace(reply, citations=citations, media=media)}
    step.noted = {"citations": len(citations)}
    if media:
        step.noted["media"] = [f"{one.mime}, {len(one.data):,} bytes" for one in media]
    return
    yield  # an async generator that yields nothing


CHAT_INPUT = Adapter("chat-input", take)
CHAT_OUTPUT = Adapter("chat-output", give)
