"""What this package answers with: the frozen application in app.json. Pure; never Django."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from apps.runtime.graph import Graph
from apps.runtime.stores.index import STORE_KINDS
from apps.runtime.traits import Traits, traits_of

PORTAL_DIR = Path(__file__).resolve().parent.parent
APP_FILE = PORTAL_DIR / "app.json"
KNOWLEDGE_DIR = PORTAL_DIR.parent / "knowledge"
APP_KEY = "app"
FORMAT = 1
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg=="
"""A PNG to try applications with that look at pictures, as base64."""


@dataclass(frozen=True, slots=True)
class Features:
    registration: bool
    api: bool
    uploads: bool


@dataclass(frozen=True, slots=True)
class PackagedCollection:
    """include   "index": knowledge/<name> is a ready index; "documents": it holds the originals;
    "none": nothing travelled, the collection starts empty
    sha256    of everything below knowledge/<name>, empty for "none"
    """

    name: str
    title: str
    include: str
    sha256: str
    chunk_size: int
    chunk_overlap: int
    embedding_model: str

    @property
    def path(self) -> Path:
        return KNOWLEDGE_DIR / self.name


@dataclass(frozen=True, slots=True)
class Server:
    """A model server or vector store the application names. Its address and key come from the environment."""

    name: str
    address: str
    kind: str = "openai"

    @property
    def keeps_vectors(self) -> bool:
        return self.kind in STORE_KINDS

    @property
    def url_variable(self) -> str:
        return f"{self._stem}_URL"

    @property
    def key_variable(self) -> str:
        return f"{self._stem}_{'SECRET' if self.keeps_vectors else 'API_KEY'}"

    @property
    def _stem(self) -> str:
        name = self.name.upper().replace("-", "_")
        return f"{'STORE' if self.keeps_vectors else 'MODEL'}_{name}"


@dataclass(frozen=True)
class Application:
    name: str
    title: str
    description: str
    application: str
    version: str
    model_connection: str
    model_name: str
    sampling: dict[str, Any]
    features: Features
    collections: tuple[PackagedCollection, ...]
    servers: tuple[Server, ...]
    starters: tuple[str, ...]
    graph: Graph

    @property
    def generates(self) -> bool:
        """Whether a model writes the answers; what is built in only quotes."""
        return self.traits.generates

    @cached_property
    def traits(self) -> Traits:
        return traits_of(self.graph)


@cache
def application() -> Application:
    return read(APP_FILE)


def read(path: Path) -> Application:
    """Raises ValueError if the file is of another format than this portal reads."""
    data = json.loads(path.read_text(encoding="utf-8"))
    if data.pop("format", None) != FORMAT:
        raise ValueError(f"{path} is not of format {FORMAT}; use the portal it came with.")
    return Application(
        **{key: value for key, value in data.items() if key not in _NESTED},
        features=Features(**data["features"]),
        collections=tuple(PackagedCollection(**row) for row in data["collections"]),
        servers=tuple(Server(**row) for row in data["servers"]),
        starters=tuple(data["starters"]),
        graph=Graph.model_validate(data["graph"]),
    )


_NESTED = {"features", "collections", "servers", "starters", "graph"}
