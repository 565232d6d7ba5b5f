"""Whether documents reach what searches them: the vector store, and the nodes on the way into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.catalog.domain.catalog import components
from apps.projects.domain.blueprints import BUILTIN
from apps.projects.domain.compile import values_of
from apps.projects.domain.findings import Finding
from apps.projects.domain.pydantic_findings import did_you_mean
from apps.projects.domain.shape import Path
from apps.projects.domain.spec import Flow, FlowNode, Knowledge, ProjectSpec, Spec
from apps.projects.domain.summary import STORES
from apps.projects.domain.yaml_io import plain
from apps.runtime.stores.index import STORE_KINDS

BUILTIN_EMBEDDINGS: Final = ("all-minilm-l6-v2",)
PLACE: Final[Path] = ("spec", "knowledge", "store")
PREPARING: Final = ("chunks", "vectors", "index")
"""Types of ports that only lead to a search."""


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """embedding: "connection:model" of its vectors, "" where unknown."""

    ready_documents: int = 0
    chunk_size: int = 0
    chunk_overlap: int = 0
    embedding: str = ""


Facts = Mapping[str, CollectionFacts]


def store_findings(spec: Spec, kinds: Mapping[str, str] | None) -> Iterator[Finding]:
    """Of `spec.knowledge.store`. In a flow of one's own its nodes name the connection, or take this one.
    kinds: None where connections are unknown."""
    store = spec.knowledge.store
    name, own = store.connection, spec.flow is not None
    if name and kinds is not None and name not in kinds:
        message = (
            f"There is no connection “{name}”.{did_you_mean(name, list(kinds))} Create it under "
            "Connections, or keep vectors in the studio's own index."
        )
        yield Finding("spec.connection.unknown", message, (*PLACE, "connection"))
    elif store.kind == "embedded":
        if name and not own:
            message = (
                f"Vectors are kept in the studio's own index, so “{name}” is not used. Choose its kind "
                "of store, or remove the connection."
            )
            yield Finding(
                "spec.store.connection-unused", message, (*PLACE, "connection"), "warning"
            )
    elif not name:
        message = f"Choose the connection of the {STORES[store.kind]} that keeps the vectors."
        yield Finding("spec.store.connection-missing", message, (*PLACE, "connection"))
    elif kinds is not None and kinds[name] != store.kind:
        message = (
            f"“{name}” leads to {_what(kinds[name])}, not to {STORES[store.kind]}. Choose a connection "
            "of that kind, or the other kind of store."
        )
        yield Finding("spec.store.connection-kind", message, (*PLACE, "connection"))
    if not own:
        yield from _by_words(spec.knowledge)


def _by_words(knowledge: Knowledge) -> Iterator[Finding]:
    if knowledge.store.kind != "embedded" and knowledge.retrieve.mode == "lexical":
        message = (
            "Passages are found by words alone, which the studio does itself: the vector store is not "
            "asked. Choose hybrid or dense to use it."
        )
        yield Finding("spec.store.by-words", message, (*PLACE, "kind"), "info")


def _what(kind: str) -> str:
    if kind in STORE_KINDS:
        return STORES[kind]
    return {"opea": "an OPEA service", "http": "an HTTP service"}.get(kind, "a model server")


def index_findings(spec: ProjectSpec, facts: Facts | None) -> Iterator[Finding]:
    """Of the nodes of a flow of one's own that prepare documents. What they take from the project is
    judged there; what they set themselves, here. facts: None where collections are unknown."""
    flow = spec.spec.flow
    if flow is None:
        return
    settings = plain(spec)["spec"]
    whole = [str(name) for name in settings["knowledge"]["collections"]]
    for number, node in enumerate(flow.nodes):
        component = components().get(node.component)
        if component is None:
            continue
        path: Path = ("spec", "flow", "nodes", number)
        given = [port.type for port in component.outputs]
        if given and set(given) <= set(PREPARING):
            yield from _leading(flow, node, component.title, path)
        if node.component == "dataprep":
            values = values_of(node, settings)
            yield from _cut(node, values, path, _chosen(values, whole), facts or {})
        elif node.component == "embedding":
            values = values_of(node, settings)
            names = _chosen(_before(flow, node, settings), whole)
            yield from _embedded(node, values, path, names, facts or {})
        elif node.component == "retriever":
            yield from _ranked(flow, node, values_of(node, settings), path)
            yield from _searched(flow, node, path)


def _leading(flow: Flow, node: FlowNode, title: str, path: Path) -> Iterator[Finding]:
    if not any(edge.source.partition(".")[0] == node.id for edge in flow.edges):
        message = (
            f"Nothing uses what {node.id} ({title}) gives, so it does nothing. Connect it, on the way "
            "to a retriever, or remove it."
        )
        yield Finding("spec.flow.leads-nowhere", message, path, "warning")


def _chosen(values: Mapping[str, Any], whole: list[str]) -> list[str]:
    names = values.get("collections")
    return list(names) if isinstance(names, (list, tuple)) and names else whole


def _before(flow: Flow, node: FlowNode, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the node that feeds this one with chunks."""
    found = _feeding(flow, node, "chunks")
    known = found is not None and found.component in components()
    return values_of(found, settings) if found is not None and known else {}


def _feeding(flow: Flow, node: FlowNode | None, port: str) -> FlowNode | None:
    wanted = f"{node.id}.{port}" if node else ""
    sources = (edge.source for edge in flow.edges if edge.target == wanted)
    name = next(sources, "").partition(".")[0]
    return next((one for one in flow.nodes if one.id == name), None)


def _searched(flow: Flow, node: FlowNode, path: Path) -> Iterator[Finding]:
    """A retriever's own collections count; those that its index was not made of are told."""
    prepared: FlowNode | None = node
    for port in ("index", "vectors", "chunks"):
        prepared = _feeding(flow, prepared, port)
    own = node.params.get("collections")
    given = prepared.params.get("collections") if prepared else None
    if not isinstance(own, list) or not isinstance(given, list) or not given:
        return
    if prepared and (beside := [str(name) for name in own if name not in given]):
        message = (
            f"{node.id} searches {', '.join(beside)}, which {prepared.id} does not prepare. It is "
            f"searched all the same, in the same store; add it to {prepared.id}, or remove it here."
        )
        yield Finding(
            "spec.flow.collections-differ", message, (*path, "params", "collections"), "warning"
        )


def _cut(
    node: FlowNode, values: Mapping[str, Any], path: Path, names: list[str], facts: Facts
) -> Iterator[Finding]:
    own = next((name for name in ("size", "overlap") if name in node.params), None)
    size, overlap = values["size"], values["overlap"]
    if own is None or not isinstance(size, (int, float)) or not isinstance(overlap, (int, float)):
        return
    place = (*path, "params", own)
    if overlap >= size:
        message = (
            f"{node.id}: The overlap ({overlap}) must be smaller than the chunk size ({size})."
        )
        yield Finding("spec.chunk.overlap", message, place)
        return
    for name in names:
        row = facts.get(name)
        if row and row.chunk_size and (row.chunk_size, row.chunk_overlap) != (size, overlap):
            message = (
                f"{node.id}: “{name}” is cut into {row.chunk_size} characters with {row.chunk_overlap} "
                f"shared, not {size} with {overlap}. The collection's own cut is used; change it in the "
                "collection's settings to index it anew, or remove this value."
            )
            yield Finding("spec.chunk.differs", message, place, "warning")


def _embedded(
    node: FlowNode, values: Mapping[str, Any], path: Path, names: list[str], facts: Facts
) -> Iterator[Finding]:
    own = next((name for name in ("model", "server") if name in node.params), None)
    if own is None:
        return
    server, model = values["server"] or BUILTIN, values["model"]
    place = (*path, "params", own)
    if server == BUILTIN and model not in BUILTIN_EMBEDDINGS:
        message = (
            f"{node.id}: There is no built-in embedding “{model}”. Use {BUILTIN_EMBEDDINGS[0]}, or name "
            "the connection that serves it."
        )
        yield Finding("spec.embedding.unknown", message, place)
        return
    for name in names:
        row = facts.get(name)
        if row and row.embedding and row.embedding != f"{server}:{model}":
            message = (
                f"{node.id}: “{name}” is embedded with {row.embedding}, not with {server}:{model}. The "
                "collection's own embedding is used. Choose that one here, or make a collection with "
                "this one and add the documents to it."
            )
            yield Finding("spec.embedding.differs", message, place, "warning")


def _ranked(flow: Flow, node: FlowNode, values: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    fed = any(edge.target == f"{node.id}.index" for edge in flow.edges)
    if fed and values["mode"] == "lexical":
        place = (*path, "params", "mode") if "mode" in node.params else path
        message = (
            f"{node.id} searches by words alone, which the studio does itself: its vector store is not "
            "asked. Choose hybrid or dense to use it."
        )
        yield Finding("spec.store.by-words", message, place, "info")
