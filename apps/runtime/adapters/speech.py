"""Speech into words and words into speech."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import takewhile

from apps.runtime.adapters.base import Adapter, Params, Step
from apps.runtime.errors import ServiceBroke, StudioError, UserFault
from apps.runtime.events import Event, Heard, Notice, Sound
from apps.runtime.media import Media
from apps.runtime.ports import Reply
from apps.runtime.sounds import duration_s, joined
from apps.runtime.speech import (
    Stretches,
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


class Ahead:
    """An answer that is spoken while it is being written, stretch by stretch and in order: at most AT_ONCE
    requests at a time, none after the first that failed."""

    def __init__(self, step: Step, speak: Speak) -> None:
        self._step, self._speak = step, speak
        self._cutting = Stretches()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._begun: list[tuple[str, asyncio.Task[Media]]] = []
        self._told = 0

    def feed(self, text: str) -> None:
        self._begin(self._cutting.feed(text))

    def events(self) -> list[Event]:
        found: list[Event] = []
        for _, task in self._begun[self._told :]:
            if not task.done() or task.cancelled() or task.exception():
                break
            self._told += 1
            found.append(Sound(self._step.node, self._told, task.result()))
        return found

    async def sounds(self, texts: list[str]) -> AsyncIterator[Media]:
        """Of the whole answer, once it is known. What was begun for other words is thrown away."""
        pairs = zip(texts, self._begun, strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1][0], pairs))
        await _end([task for _, task in self._begun[same:]])
        del self._begun[same:]
        self._begin(texts[same:])
        for _, task in list(self._begun):
            yield await task

    async def close(self) -> None:
        await _end([task for _, task in self._begun])

    def _begin(self, texts: list[str]) -> None:
        self._begun += [(text, asyncio.create_task(self._one(text))) for text in texts]

    async def _one(self, text: str) -> Media:
        params = self._step.given(SynthesisParams)
        async with self._gate:
            for _, task in self._begun:
                if task.done() and not task.cancelled() and (error := task.exception()):
                    raise error
            return await self._speak(self._step, params, text)


def speaking(speak: Speak) -> Callable[[Step], AsyncIterator[Event]]:
    async def say(step: Step) -> AsyncIterator[Event]:
        """The answer as one sound; nothing where there is nothing to say. A voice that fails does not
        take the answer with it: people read why they hear nothing."""
        reply: Reply | None = step.inputs.get("answer")
        texts = stretches(reply.text if reply else step.inputs["text"])
        ahead = step.along if isinstance(step.along, Ahead) else Ahead(step, speak)
        sounds: list[Media] = []
        try:
            async for sound in ahead.sounds(texts):
                sounds.append(sound)
                for event in ahead.events():
                    yield event
            if sounds:
                server = step.given(SynthesisParams).server
                step.outputs = {"audio": _whole(server, sounds)}
                step.noted = {
                    "stretches": len(sounds),
                    "size_bytes": len(step.outputs["audio"].data),
                }
        except StudioError as error:
            said = f"The answer could not be spoken. {error}"
            step.notices.append(Notice(step.node, error.code, said))
        finally:
            await ahead.close()

    return say


async def _end(tasks: list[asyncio.Task[Media]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


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
OPENAI_TTS = Adapter(
    "openai-tts",
    speaking(_openai_speak),
    SynthesisParams,
    along=lambda step: Ahead(step, _openai_speak),
)
OPEA_TTS = Adapter(
    "opea-tts",
    speaking(_opea_speak),
    SynthesisParams,
    along=lambda step: Ahead(step, _opea_speak),
    ignores=frozenset(("model",)),
)
