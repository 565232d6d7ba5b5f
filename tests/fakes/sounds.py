"""Sounds that the fake speech servers hear and make: a tone whose file also says what it means."""

from __future__ import annotations

import io
import math
import re
import struct
import wave

RATE_HZ = 8_000
TONE_HZ = 220
SECONDS_PER_CHAR = 0.05
SAID = b"said"
"""A RIFF chunk of our own; readers of WAV pass over what they do not know."""
TITLE = re.compile(rb"LIST.{4}INFO.*?INAM.{4}([^\0]+)\0", re.DOTALL)
"""The title that a WAV may carry; those of the sample projects say what is spoken in them."""


def tone(seconds: float, said: str = "") -> bytes:
    """A WAV of 8 bit, mono. said: what `words_in` gives back."""
    count = max(1, int(seconds * RATE_HZ))
    samples = bytes(
        int(128 + 40 * math.sin(2 * math.pi * TONE_HZ * at / RATE_HZ)) for at in range(count)
    )
    sound = io.BytesIO()
    with wave.open(sound, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(1)
        out.setframerate(RATE_HZ)
        out.writeframes(samples)
    data = sound.getvalue()
    return _with_words(data, said) if said else data


def spoken(text: str) -> bytes:
    """As long as it takes to say."""
    return tone(SECONDS_PER_CHAR * len(text), text)


def words_in(data: bytes) -> str:
    """What the file says it means, all of it; else how long it is."""
    at, found = 12, []
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack("<I", data[at + 4 : at + 8])[0]
        if name == SAID:
            found.append(data[at + 8 : at + 8 + size].decode())
        at += 8 + size + size % 2
    if found:
        return " ".join(found)
    if title := TITLE.search(data[:1024]):
        return title[1].decode()
    with wave.open(io.BytesIO(data)) as sound:
        return f"a sound of {sound.getnframes() / sound.getframerate():.1f} seconds"


def _with_words(data: bytes, said: str) -> bytes:
    text = said.encode()
    chunk = SAID + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2)
    whole = data[:12] + chunk + data[12:]
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def form_of(content_type: str, body: bytes) -> dict[str, str | bytes]:
    """The fields of a multipart body; files as bytes."""
    boundary = content_type.partition("boundary=")[2].strip('"')
    fields: dict[str, str | bytes] = {}
    for part in body.split(b"--" + boundary.encode())[1:-1]:
        head, _, value = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = head.decode().partition('name="')[2].partition('"')[0]
        fields[name] = value if b"filename=" in head else value.decode()
    return fields
