"""app.json: the frozen application as the portal reads it. No address of a server, no key."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from apps.packages.domain.options import Options
from apps.packages.domain.tree import Entry
from apps.packages.errors import KnowledgeMissing
from apps.projects.domain.canonical import sha256
from apps.projects.domain.spec import ProjectSpec
from apps.runtime.graph import BUILTIN, Graph
from apps.runtime.stores.index import STORE_KINDS

FORMAT = 1
LOOPBACK = {"localhost", "127.0.0.1", "::1", "0.0.0.0"}  # noqa: S104 - names to be replaced
STORES = {
    "redis": "Redis",
    "qdrant": "Qdrant",
    "milvus": "Milvus",
    "pgvector": "PostgreSQL with pgvector",
}
DOCKER_HOST = "host.docker.internal"


@dataclass(frozen=True)
class Knowledge:
    """A collection that may travel. folder: a snapshot or a folder of documents, as the options say."""

    name: str
    title: str
    folder: Path | None = None


@dataclass(frozen=True)
class Server:
    """A model server or a vector store."""

    name: str
    address: str
    kind: str = "openai"

    @property
    def store(self) -> str:
        """The product's name, "" for a model server."""
        return STORES.get(self.kind, "")

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
class Packed:
    """One collection's files in the package and its row in app.json."""

    row: dict[str, Any]
    entries: tuple[Entry, ...]


def describe(
    spec: ProjectSpec,
    graph: Graph,
    options: Options,
    collections: Sequence[Packed],
    starters: Sequence[str],
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": spec.metadata.name,
        "title": title_of(spec),
        "description": spec.metadata.description,
        "application": spec.spec.application,
        "version": sha256(spec),
        "model_connection": spec.spec.model.connection,
        "model_name": spec.spec.model.name,
        "sampling": spec.spec.parameters.model_dump(mode="json"),
        "features": spec.spec.deployment.features.model_dump(mode="json"),
        "collections": [packed.row for packed in collections],
        "servers": [asdict(server) for server in servers_of(spec, graph, options)],
        "starters": list(starters),
        "graph": graph.model_dump(mode="json"),
    }


def title_of(spec: ProjectSpec) -> str:
    return spec.metadata.title or spec.metadata.name


def servers_of(spec: ProjectSpec, graph: Graph, options: Options) -> list[Server]:
    """The servers that the application's graph and knowledge name, in the order of their names."""
    return [
        Server(name, portable(options.servers.get(name, "")), options.kinds.get(name, "openai"))
        for name in connections_of(spec, graph)
    ]


def connections_of(spec: ProjectSpec, graph: Graph) -> list[str]:
    """The names of the servers that an application talks to, sorted."""
    named = set(graph.connections())
    if spec.spec.knowledge.collections:
        named.add(spec.spec.knowledge.embedding.connection)
    return sorted(named - {BUILTIN})


def portable(address: str) -> str:
    """A server's address as a container reaches it: no password, no user but a database's, no query but
    its sslmode, and the name of the Docker machine instead of a loopback address."""
    parts = urlsplit(address)
    if not parts.hostname:
        return ""
    host = DOCKER_HOST if parts.hostname in LOOPBACK else parts.hostname
    if ":" in host:
        host = f"[{host}]"
    of_store = parts.scheme not in ("http", "https")
    user = f"{parts.username}@" if parts.username and of_store else ""
    query = parts.query if of_store and parts.query.startswith("sslmode=") else ""
    place = f"{user}{host}:{parts.port}" if parts.port else f"{user}{host}"
    return urlunsplit((parts.scheme, place, parts.path, query, ""))


def pack_knowledge(
    spec: ProjectSpec, options: Options, knowledge: Sequence[Knowledge]
) -> list[Packed]:
    """The collections of the spec with the files that travel.

    Raises KnowledgeMissing for a collection that should travel and is not there or is empty.
    """
    given = {item.name: item for item in knowledge}
    return [
        _pack(spec, options, given.get(name) or Knowledge(name, name))
        for name in spec.spec.knowledge.collections
    ]


def _pack(spec: ProjectSpec, options: Options, item: Knowledge) -> Packed:
    chunk, embedding = spec.spec.knowledge.chunk, spec.spec.knowledge.embedding
    entries = _entries(item, options.include) if options.include != "none" else ()
    row = {
        "name": item.name,
        "title": item.title,
        "include": options.include,
        "sha256": _digest(entries),
        "chunk_size": chunk.size,
        "chunk_overlap": chunk.overlap,
        "embedding_model": f"{embedding.connection}:{embedding.name}",
    }
    return Packed(row, entries)


def _entries(item: Knowledge, include: str) -> tuple[Entry, ...]:
    if item.folder is None or not item.folder.is_dir():
        raise KnowledgeMissing(name=item.name, reason="it was not given")
    if include == "index" and not (item.folder / "meta.json").is_file():
        raise KnowledgeMissing(name=item.name, reason="its folder holds no ready index")
    reason = "ready index" if include == "index" else "document"
    found = sorted(path for path in item.folder.rglob("*") if path.is_file())
    if not found:
        raise KnowledgeMissing(name=item.name, reason="it is empty")
    return tuple(
        Entry(f"knowledge/{item.name}/{path.relative_to(item.folder).as_posix()}", path, reason)
        for path in found
    )


def _digest(entries: Sequence[Entry]) -> str:
    if not entries:
        return ""
    lines = "".join(f"{entry.sha256}  {entry.path}\n" for entry in entries)
    return hashlib.sha256(lines.encode()).hexdigest()
