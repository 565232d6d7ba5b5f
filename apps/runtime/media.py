"""Pictures, sound and files that travel with a question or an answer."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any, Literal

from apps.runtime.errors import UserFault

MediaKind = Literal["image", "audio", "document"]
MEDIA_LIMIT_BYTES = 25 * 1024 * 1024
"""One piece; the transcription interface of OpenAI takes no more either."""


class MediaUnreadable(UserFault):
    code = "media.unreadable"
    sentence = "{name} cannot be used: {reason}."


@dataclass(frozen=True, slots=True)
class Media:
    """mime: "image/png"; name: as the user called it; data: the file's bytes."""

    mime: str
    data: bytes = field(repr=False)
    name: str = ""

    @property
    def kind(self) -> MediaKind:
        family = self.mime.partition("/")[0]
        return family if family in ("image", "audio") else "document"  # type: ignore[return-value]

    @property
    def base64(self) -> str:
        return base64.b64encode(self.data).decode("ascii")

    @property
    def data_url(self) -> str:
        return f"data:{self.mime};base64,{self.base64}"

    def as_dict(self) -> dict[str, Any]:
        return {"mime": self.mime, "name": self.name, "base64": self.base64}


def media_from(mime: str, text: str, name: str = "") -> Media:
    """From base64 or a data URL. Raises MediaUnreadable if it is neither, or too large."""
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.endswith(";base64"):
            raise MediaUnreadable(name=name or "The data URL", reason="it is not base64")
        mime = head[5:].partition(";")[0] or mime
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MediaUnreadable(name=name or "The file", reason="it is not base64") from error
    if len(data) > MEDIA_LIMIT_BYTES:
        limit = f"it is larger than {MEDIA_LIMIT_BYTES // 2**20} MiB"
        raise MediaUnreadable(name=name or "The file", reason=limit)
    return Media(mime, data, name)


def recognised(data: bytes) -> str:
    """The mime type of a picture or sound that browsers and models take, by its content; else ""."""
    if data[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(data[8:12], "")
    if data[4:8] == b"ftyp":
        return "audio/mp4" if data[8:11] in (b"M4A", b"M4B", b"mp4", b"iso") else ""
    if data[:3] == b"ID3" or (len(data) > 2 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2):
        return "audio/mpeg"
    return next((mime for magic, mime in MAGIC if data.startswith(magic)), "")


def as_recognised(media: Media) -> Media:
    """With the type that its content has; what is no picture or sound counts as a document."""
    found = recognised(media.data)
    if found:
        return Media(found, media.data, media.name)
    mime = "application/octet-stream" if media.kind != "document" else media.mime
    return Media(mime, media.data, media.name)


MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "audio/webm"),
)
