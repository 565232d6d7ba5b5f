"""Clients of speech servers: OpenAI's two audio interfaces and OPEA's two services."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

import aiohttp

from apps.runtime import opea
from apps.runtime.errors import ServiceBroke
from apps.runtime.media import Media, recognised
from apps.runtime.resources import ModelServer
from apps.runtime.sentences import sentences
from apps.runtime.servers import ask, ask_bytes

TIMEOUT_S: Final = 300.0
"""Of one recording, or of one stretch of speech: small machines take about as long as the sound is."""
STRETCH_CHARS = 1_000
"""Text spoken in one request. OpenAI takes 4,096; speecht5 gets worse from about 600 on."""
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


def stretches(text: str) -> list[str]:
    """What is said aloud of an answer, in pieces that end with a sentence: no code, no marks of citations,
    no signs of Markdown."""
    plain = _CODE.sub(" (code) ", text)
    for pattern, into in ((_LINK, r"\1"), (_MARKS, ""), (_DECORATION, "")):
        plain = pattern.sub(into, plain)
    found: list[str] = []
    for sentence in sentences(plain[:SPOKEN_CHARS]):
        said = " ".join(sentence.text.split())
        for piece in (said[at : at + STRETCH_CHARS] for at in range(0, len(said), STRETCH_CHARS)):
            if found and len(found[-1]) + len(piece) < STRETCH_CHARS:
                found[-1] += f" {piece}"
            else:
                found.append(piece)
    return found


def _text(server: ModelServer, found: object) -> str:
    if not isinstance(found, str):
        raise ServiceBroke(service=server.name, reason="its transcription holds no text")
    return found.strip()


def _sound(server: ModelServer, data: bytes) -> Media:
    mime = recognised(data)
    if not mime.startswith("audio/"):
        raise ServiceBroke(service=server.name, reason="what it sent is no sound")
    return Media(mime, data, f"answer.{SUFFIXES[mime]}")
