"""Values of ports as JSON of bounded size, for people who look into a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from apps.runtime.media import Media

TEXT_CHARS = 2_000
ITEMS = 20


def previews(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: preview(value) for name, value in values.items()}


def preview(value: Any) -> Any:
    """JSON-safe; long texts and lists end in a note of what was left out, media in their size."""
    if isinstance(value, str):
        cut = len(value) - TEXT_CHARS
        return value if cut <= 0 else f"{value[:TEXT_CHARS]}… ({cut:,} more characters)"
    if isinstance(value, Media):
        return {"mime": value.mime, "name": value.name, "size_bytes": len(value.data)}
    if is_dataclass(value) and not isinstance(value, type):
        fields = value.__dataclass_fields__.items()  # what hides from repr is a secret
        return {key: preview(getattr(value, key)) for key, one in fields if one.repr}
    if isinstance(value, Mapping):
        return {str(key): preview(item) for key, item in list(value.items())[:ITEMS]}
    if isinstance(value, (list, tuple)):
        shown = [preview(item) for item in value[:ITEMS]]
        return shown + ([f"… ({len(value) - ITEMS} more)"] if len(value) > ITEMS else [])
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
