"""The application under test as an engine gets it: a graph, its knowledge and its model servers, from a plan.

{graph, snapshot: path or null, servers: {name: ModelServer fields}, model_cache, threads,
allow_private: whether servers may lie on this machine and in private networks}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.connections.domain.guard import GuardedResolver
from apps.knowledge.domain.attached import read_attached
from apps.runtime import http
from apps.runtime.embedding import builtin_embedder, load_embedder
from apps.runtime.graph import Graph, Node
from apps.runtime.resources import ModelServer, Resources, Retriever
from apps.runtime.snapshot import SnapshotRetriever, read_snapshot

RETRIEVER = "retriever"


@dataclass(frozen=True, slots=True)
class App:
    graph: Graph
    resources: Resources


async def load_app(plan: Mapping[str, Any]) -> App:
    """Build it, with the index in memory and the embedding model loaded: first questions pay nothing."""
    http.use_resolver(lambda: GuardedResolver(lambda: bool(plan.get("allow_private", True))))
    graph = Graph.model_validate(plan["graph"])
    servers = {name: ModelServer(**fields) for name, fields in plan["servers"].items()}
    retriever = _retriever(plan, servers) if plan.get("snapshot") else None
    if retriever and (node := _retriever_node(graph)):
        await retriever.search("warm up", mode=node.params.get("mode", "hybrid"), k=1)
    resources = Resources(
        servers=servers,
        retriever=retriever,
        embedder=None if retriever else builtin_embedder(Path(plan["model_cache"])),
        read_document=read_attached,
    )
    return App(graph, resources)


def with_k(graph: Graph, k: int) -> Graph:
    """The graph with every retriever returning k passages."""
    nodes = tuple(
        node.model_copy(update={"params": {**node.params, "k": k}})
        if node.component == RETRIEVER
        else node
        for node in graph.nodes
    )
    return graph.model_copy(update={"nodes": nodes})


def _retriever(plan: Mapping[str, Any], servers: Mapping[str, ModelServer]) -> Retriever:
    path = Path(plan["snapshot"])
    name = read_snapshot(path).embedder
    return SnapshotRetriever(path, load_embedder(name, Path(plan["model_cache"]), servers))


def _retriever_node(graph: Graph) -> Node | None:
    return next((node for node in graph.nodes if node.component == RETRIEVER), None)
