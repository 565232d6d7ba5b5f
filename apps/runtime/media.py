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
