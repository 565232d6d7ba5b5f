"""What every vector store can do for us, and the one way in which we use it.

A table holds the vectors of one collection. Beside them it has one row of ours, the marker, which
says which filling the rest belongs to: whoever wipes a table wipes the marker with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from apps.runtime.resources import ModelServer
from apps.runtime.stores.errors import WrongDimension

Vectors = NDArray[np.float32]
Ranking = list[tuple[str, float]]

MARKER: Final = "00000000-0000-0000-0000-000000000000"
SEARCH_TIMEOUT_S = 20.0
WRITE_TIMEOUT_S = 120.0
TIES = 16
"""Rows looked at beyond those wanted, so that ids decide between equal scores at the end."""
MOST = 16_000
"""Rows asked for at once; Milvus refuses more than 16,384."""


@dataclass(frozen=True, slots=True)
class Shape:
    """count: rows, the marker among them."""

    dimension: int
    count: int


@dataclass(frozen=True, slots=True)
class Held:
    """count: without the marker. token: the marker's, "" where it is missing."""

    dimension: int
    count: int
    token: str


@dataclass(frozen=True, slots=True)
class About:
    """version: "" where a server does not tell. notes: what a person should know."""

    product: str
    version: str = ""
    notes: str = ""


def patience_s(server: ModelServer) -> float:
    """How long a search is waited for."""
    return min(SEARCH_TIMEOUT_S, server.stall_timeout_s)


class Store(Protocol):
    """A server that keeps vectors, by cosine. Every method raises ServiceFault."""

    server: ModelServer

    async def about(self) -> About:
        """Raises NoVectorSearch too, where the server lacks what we need."""
        ...

    async def shape(self, table: str) -> Shape | None:
        """None if there is no such table."""
        ...

    async def document_of(self, table: str, row: str) -> str:
        """The document of one row, "" if there is no such row."""
        ...

    async def create(self, table: str, dimension: int) -> None:
        """An empty table under a name that is free."""
        ...

    async def put(
        self, table: str, ids: Sequence[str], documents: Sequence[str], vectors: Vectors
    ) -> None:
        """Add rows, or write them over where their ids are there."""
        ...

    async def remove(self, table: str, documents: Sequence[str]) -> None:
        """Remove all rows of these documents."""
        ...

    async def nearest(self, table: str, vector: Vectors, n: int) -> Ranking:
        """n rows by descending cosine, equal ones in any order. Raises StoreMissing."""
        ...

    async def drop(self, table: str) -> None:
        """Remove the table with everything in it; one that is not there is fine."""
        ...


class Table:
    """One collection's vectors in a store."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name

    async def held(self) -> Held | None:
        shape = await self.store.shape(self.name)
        if shape is None:
            return None
        token = await self.store.document_of(self.name, MARKER)
        return Held(shape.dimension, shape.count - bool(token), token)

    async def start(self, dimension: int, token: str) -> None:
        """Empty, with a marker."""
        await self.store.drop(self.name)
        await self.store.create(self.name, dimension)
        first = np.zeros((1, dimension), np.float32)
        first[0, 0] = 1.0
        await self.store.put(self.name, [MARKER], [token], first)

    async def put(self, ids: Sequence[str], documents: Sequence[str], vectors: Vectors) -> None:
        await self.store.put(self.name, ids, [_plain(row) for row in documents], vectors)

    async def remove(self, documents: Sequence[str]) -> None:
        await self.store.remove(self.name, [_plain(row) for row in documents])

    async def drop(self) -> None:
        await self.store.drop(self.name)

    async def nearest(self, vector: Vectors, n: int, dimension: int) -> Ranking:
        """The n nearest, best first, equal scores by id. Raises StoreMissing or WrongDimension."""
        if vector.size != dimension:
            name = self.store.server.name
            raise WrongDimension(service=name, asked=vector.size, held=dimension)
        wanted = n + 1 + TIES
        while True:
            found = await self.store.nearest(self.name, vector, min(wanted, MOST))
            rows = [(name, score) for name, score in found if name != MARKER]
            rows.sort(key=lambda row: (-row[1], row[0]))
            complete = len(found) < wanted or wanted >= MOST
            if complete or not rows or rows[-1][1] < rows[min(n, len(rows)) - 1][1]:
                return rows[:n]
            wanted *= 4


def _plain(document: str) -> str:
    """Without hyphens, which have a meaning in the queries of some stores."""
    return document.replace("-", "")
