"""Clients of speech servers: OpenAI's two audio interfaces and OPEA's two services."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

import aiohttp

from apps.runtime import opea
from apps.runtime.errors import ServiceBroke
from apps.runtime.guardrails import Segments
from apps.runtime.media import Media, recognised
from apps.runtime.resources import ModelServer
from apps.runtime.servers import ask, ask_bytes

TIMEOUT_S: Final = 300.0
"""Of one recording, or of one stretch of speech: small machines take about as long as the sound is."""
STRETCH_CHARS = 1_000
"""Text spoken in one request. OpenAI takes 4,096; speecht5 gets worse from about 600 on."""
FIRST_CHARS = 20
"""Of the first stretch at least: "Dr." is no sentence."""
SPOKEN_CHARS = 12_000
"""About a quarter of an hour; longer answers are spoken so far."""

SUFFIXES: Final = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "audio/webm": "webm",
    "audio/mp4": "m4a",
}
_CODE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_MARKS = re.compile(r"\[\d{1,3}(?:\s*[,;]\s*\d{1,3})*\]")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_DECORATION = re.compile(r"(?m)^\s{0,3}(?:#{1,6}|>|[-*+])\s+|[*_`~|]+")


async def transcription(server: ModelServer, model: str, sound: Media, language: str = "") -> str:
    """`POST /audio/transcriptions`. language: two letters, "" for found out. Raises ServiceFault."""

    def form() -> aiohttp.FormData:
        data = aiohttp.FormData()
        data.add_field(
            "file",
            sound.data,
            filename=f"speech.{SUFFIXES.get(sound.mime, 'wav')}",
            content_type=sound.mime,
        )
        data.add_field("model", model)
        if language:
            data.add_field("language", language)
        return data

    body = await ask(
        server, "POST", "audio/transcriptions", form=form, model=model, timeout_s=TIMEOUT_S
    )
    return _text(server, body.get("text"))


async def speech(server: ModelServer, model: str, voice: str, text: str) -> Media:
    """`POST /audio/speech`, asked for as WAV. Raises ServiceFault."""
    body = {"model": model, "input": text, "voice": voice or "alloy", "response_format": "wav"}
    data = await ask_bytes(server, "POST", "audio/speech", body, timeout_s=TIMEOUT_S)
    return _sound(server, data)


async def opea_transcription(server: ModelServer, sound: Media) -> str:
    """`POST /v1/asr` of whisper's service. Raises ServiceFault."""
    body = await opea.post(server, "v1/asr", {"audio": sound.base64}, timeout_s=TIMEOUT_S)
    return _text(server, body.get("asr_result") if isinstance(body, dict) else None)


async def opea_speech(server: ModelServer, voice: str, text: str) -> Media:
    """`POST /v1/tts` of speecht5's service. Raises ServiceFault."""
    asked = {"text": text, "voice": voice or "default"}
    body = await opea.post(server, "v1/tts", asked, timeout_s=TIMEOUT_S)
    encoded = body.get("tts_result") if isinstance(body, dict) else None
    try:
        data = base64.b64decode(encoded or "", validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise ServiceBroke(service=server.name, reason="its speech is no base64") from error
    return _sound(server, data)


class Stretches:
    """What is said aloud of an answer that arrives in pieces: no code, no marks of citations, no signs
    of Markdown. Where it is cut depends on the text alone.

    The first stretch is a sentence, so that it can be heard soon; each next one may be twice as long.
    """

    def __init__(self) -> None:
        self._segments = Segments()
        self._waiting = ""
        self._wanted_chars = FIRST_CHARS
        self._said_chars = 0
        self._code = False

    def feed(self, text: str) -> list[str]:
        """The stretches that are surely whole."""
        return self._taken(self._segments.feed(text))

    def end(self) -> list[str]:
        found = self._taken(self._segments.end())
        return [*found, self._next()] if self._waiting else found

    def _taken(self, segments: list[str]) -> list[str]:
        found: list[str] = []
        for segment in segments:
            said = self._said(segment)
            while said:
                room = STRETCH_CHARS - len(self._waiting) - 1
                if len(said) > room and self._waiting:
                    found.append(self._next())
                    continue
                part, said = said[:room], said[room:]
                self._waiting = f"{self._waiting} {part}" if self._waiting else part
                if len(self._waiting) >= self._wanted_chars:
                    found.append(self._next())
        return found

    def _said(self, segment: str) -> str:
        """One sentence or line as it is said; "" for nothing."""
        if segment.lstrip().startswith("```"):
            opens = not self._code and segment.count("```") % 2 == 1
            begins = not self._code
            self._code = opens
            return self._counted(" (code)") if begins else ""
        if self._code:
            return ""
        plain = _CODE.sub(" (code) ", segment)
        for pattern, into in ((_LINK, r"\1"), (_MARKS, ""), (_DECORATION, "")):
            plain = pattern.sub(into, plain)
        return self._counted(plain)

    def _counted(self, plain: str) -> str:
        said = " ".join(plain.split())[: SPOKEN_CHARS - self._said_chars]
        self._said_chars += len(said)
        return said

    def _next(self) -> str:
        said, self._waiting = self._waiting, ""
        self._wanted_chars = min(max(2 * len(said), 2 * FIRST_CHARS), STRETCH_CHARS - 1)
        return said


def stretches(text: str) -> list[str]:
    """The same of a text that is whole."""
    cutting = Stretches()
    return [*cutting.feed(text), *cutting.end()]


def _text(server: ModelServer, found: object) -> str:
    if not isinstance(found, str):
        raise ServiceBroke(service=server.name, reason="its transcription holds no text")
    return found.strip()


def _sound(server: ModelServer, data: bytes) -> Media:
    mime = recognised(data)
    if not mime.startswith("audio/"):
        raise ServiceBroke(service=server.name, reason="what it sent is no sound")
    return Media(mime, data, f"answer.{SUFFIXES[mime]}")
