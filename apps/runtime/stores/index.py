"""What flows between the steps that bring documents into a vector store.

None of it holds a vector: rows and stores do. The values say what is to be searched, made by which
model, and where it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from apps.runtime.resources import ModelServer, ServerKind

STORE_KINDS: Final[tuple[ServerKind, ...]] = ("redis", "qdrant", "milvus", "pgvector")
"""Kinds of servers that keep vectors."""


@dataclass(frozen=True, slots=True)
class Chunks:
    """Passages of these collections; () is all of the project's."""

    collections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vectors:
    """model: the embedding model's name, as it was asked for."""

    chunks: Chunks
    model: str


@dataclass(frozen=True, slots=True)
class Index:
    """Vectors that can be searched. server: the store that keeps them, None for the studio's own."""

    collections: tuple[str, ...] = ()
    server: ModelServer | None = None
