"""Speech into words and words into speech."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from apps.runtime.adapters.base import Adapter, Params, Step
from apps.runtime.errors import ServiceBroke, UserFault
from apps.runtime.events import Event, Heard
from apps.runtime.media import Media
from apps.runtime.ports import Reply
from apps.runtime.sounds import duration_s, joined
from apps.runtime.speech import (
    opea_speech,
    opea_transcription,
    speech,
    stretches,
    transcription,
)

AT_ONCE = 2
"""Stretches of one answer that are spoken at the same time."""


class NothingHeard(UserFault):
    code = "run.nothing-heard"
    sentence = "Nothing was heard in the recording. Speak closer to the microphone, or type."


class RecognitionParams(Params):
    """language: two letters, "" for found out."""

    server: str
    model: str = ""
    language: str = ""


class SynthesisParams(Params):
    server: str
    model: str = ""
    voice: str = ""


Listen = Callable[[Step, RecognitionParams, Media], Awaitable[str]]
Speak = Callable[[Step, SynthesisParams, str], Awaitable[Media]]


async def _openai_listen(step: Step, params: RecognitionParams, sound: Media) -> str:
    return await transcription(step.server(params.server), params.model, sound, params.language)


async def _opea_listen(step: Step, params: RecognitionParams, sound: Media) -> str:
    return await opea_transcription(step.server(params.server), sound)


async def _openai_speak(step: Step, params: SynthesisParams, text: str) -> Media:
    return await speech(step.server(params.server), params.model, params.voice, text)


async def _opea_speak(step: Step, params: SynthesisParams, text: str) -> Media:
    return await opea_speech(step.server(params.server), params.voice, text)


def hearing(listen: Listen) -> Callable[[Step], AsyncIterator[Event]]:
    async def hear(step: Step) -> AsyncIterator[Event]:
        """What was said, after what was typed; without sound, what was typed as it is."""
        typed: str = step.inputs.get("text", "")
        sound: Media | None = step.inputs.get("audio")
        if sound is None:
            step.outputs = {"text": typed}
            step.noted = {"chars": len(typed)}
            return
        said = await listen(step, step.given(RecognitionParams), sound)
        if not said and not typed:
            raise NothingHeard
        step.outputs = {"text": "\n\n".join(part for part in (typed, said) if part)}
        step.noted = {"heard": said[:200], "size_bytes": len(sound.data)}
        if seconds := duration_s(sound.data):
            step.noted["seconds"] = round(seconds, 1)
        yield Heard(step.node, said)

    return hear


def speaking(speak: Speak) -> Callable[[Step], AsyncIterator[Event]]:
    async def say(step: Step) -> AsyncIterator[Event]:
        """The answer as one sound; nothing where there is nothing to say."""
        params = step.given(SynthesisParams)
        reply: Reply | None = step.inputs.get("answer")
        texts = stretches(reply.text if reply else step.inputs["text"])
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(text: str) -> Media:
            async with gate:
                return await speak(step, params, text)

        if not texts:
            return
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(text)) for text in texts]
        sounds = [task.result() for task in tasks]
        step.outputs = {"audio": _whole(params.server, sounds)}
        step.noted = {
            "stretches": len(sounds),
            "size_bytes": len(step.outputs["audio"].data),
        }
        return
        yield  # an async generator that yields nothing

    return _alone(say)


def _alone(run: Callable[[Step], AsyncIterator[Event]]) -> Callable[[Step], AsyncIterator[Event]]:
    """The first failure of a group of tasks as itself."""

    async def inner(step: Step) -> AsyncIterator[Event]:
        try:
            async for event in run(step):
                yield event
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    return inner


def _whole(server: str, sounds: list[Media]) -> Media:
    first = sounds[0]
    if len(sounds) == 1:
        return first
    try:
        return Media(first.mime, joined([one.data for one in sounds]), first.name)
    except ValueError as error:
        reason = f"its stretches of speech cannot be joined, {error}"
        raise ServiceBroke(service=server, reason=reason) from error


OPENAI_ASR = Adapter("openai-asr", hearing(_openai_listen), RecognitionParams)
OPEA_ASR = Adapter(
    "opea-asr",
    hearing(_opea_listen),
    RecognitionParams,
    ignores=frozenset(("model", "language")),
)
OPENAI_TTS = Adapter("openai-tts", speaking(_openai_speak), SynthesisParams)
OPEA_TTS = Adapter(
    "opea-tts", speaking(_opea_speak), SynthesisParams, ignores=frozenset(("model",))
)
