"""What a graph takes and does, for whoever offers it to people."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.runtime.adapters.registry import ADAPTERS
from apps.runtime.format_1 import to_format_2
from apps.runtime.graph import Graph
from apps.runtime.plan import INPUT

MEDIA = ("image", "audio", "document")


@dataclass(frozen=True, slots=True)
class Traits:
    """generates   whether a model writes the answer; what is built in only quotes
    takes       kinds of media that may come with a question
    speaks      whether answers come with sound
    fields      what a request may say beside the question, with the application's own values
    """

    generates: bool = False
    takes: tuple[str, ...] = ()
    speaks: bool = False
    fields: dict[str, str] = field(default_factory=dict)


def traits_of(graph: Graph) -> Traits:
    graph = to_format_2(graph)
    entrances = {node.id for node in graph.nodes if node.adapter == INPUT}
    used = {edge.source for edge in graph.edges}
    fields: dict[str, str] = {}
    generates = False
    for node in graph.nodes:
        adapter = ADAPTERS.get(node.adapter)
        if adapter is None:
            continue
        alone = graph.model_copy(update={"nodes": (node,)})
        generates = generates or (adapter.speaks and bool(alone.connections()))
        for name in adapter.fields:
            fields.setdefault(name, str(node.params.get(name) or ""))
        if named := node.params.get(adapter.names_field):
            fields.setdefault(str(named), "")
    return Traits(
        generates=generates,
        takes=tuple(kind for kind in MEDIA if {f"{one}.{kind}" for one in entrances} & used),
        speaks=any(
            node.outputs.get(edge.source.partition(".")[2]) == "audio"
            for node in graph.nodes
            for edge in graph.edges
            if edge.source.partition(".")[0] == node.id and node.id not in entrances
        ),
        fields=fields,
    )
