"""The types that flow between components, and how a graph writes them down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from apps.runtime.events import Citation, FinishReason
from apps.runtime.media import Media

PortType = Literal[
    "text",
    "history",
    "passages",
    "messages",
    "answer",
    "image",
    "audio",
    "document",
    "json",
    "chunks",
    "vectors",
    "index",
]
"""str, tuple[Turn], tuple[Passage], tuple[Turn], Reply, Media, Media, Media, a JSON value, and Chunks, Vectors
and Index of `stores/index.py`."""

PORT_TYPES: Final[tuple[str, ...]] = get_args(PortType)
OPTIONAL = "?"


@dataclass(frozen=True, slots=True)
class Reply:
    """What travels through an "answer" port. citations None: still to be read from the text."""

    text: str
    citations: tuple[Citation, ...] | None = None
    finish_reason: FinishReason = "stop"
    model: str = ""
    generated: bool = True
    media: tuple[Media, ...] = ()


@dataclass(frozen=True, slots=True)
class Port:
    type: PortType
    required: bool = True


@dataclass(frozen=True, slots=True)
class Ports:
    """By name, in the order in which they are shown."""

    inputs: Mapping[str, Port] = field(default_factory=dict)
    outputs: Mapping[str, Port] = field(default_factory=dict)


def written(port: Port) -> str:
    """ "text", or "text?" for an input that need not be connected."""
    return port.type if port.required else port.type + OPTIONAL


def read(text: str) -> Port:
    """Raises ValueError for a type that does not exist."""
    name = text.removesuffix(OPTIONAL)
    if name not in PORT_TYPES:
        raise ValueError(f"there is no port type {name}")
    return Port(name, not text.endswith(OPTIONAL))  # type: ignore[arg-type]
