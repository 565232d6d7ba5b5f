"""WAV files: joined, and told from their head how long they are. Standard library only."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence


def joined(parts: Sequence[bytes]) -> bytes:
    """One WAV of several, in their order. Raises ValueError where they are none or differ in form."""
    if len(parts) == 1:
        return parts[0]
    sound = io.BytesIO()
    form = None
    try:
        with wave.open(sound, "wb") as out:
            for part in parts:
                with wave.open(io.BytesIO(part), "rb") as one:
                    found = one.getparams()[:3]
                    if form is None:
                        form = found
                        out.setnchannels(found[0])
                        out.setsampwidth(found[1])
                        out.setframerate(found[2])
                    elif found != form:
                        raise ValueError("the parts differ in channels, width or rate")
                    out.writeframes(one.readframes(one.getnframes()))
    except (wave.Error, EOFError) as error:
        raise ValueError(str(error) or "a part is no WAV") from error
    return sound.getvalue()


def duration_s(data: bytes) -> float | None:
    """Of a WAV; None for other forms of sound."""
    try:
        with wave.open(io.BytesIO(data), "rb") as sound:
            return sound.getnframes() / sound.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError):
        return None
