"""What a graph takes and does, for whoever offers it to people."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.runtime.adapters.registry import ADAPTERS
from apps.runtime.format_1 import to_format_2
from apps.runtime.graph import Graph
from apps.runtime.plan import INPUT, GraphInvalid, make_plan

MEDIA = ("image", "audio", "document")


@dataclass(frozen=True, slots=True)
class Traits:
    """generates   whether a model writes the answer; what is built in only quotes
    takes       kinds of media that may come with a question
    speaks      whether answers come with sound
    fields      what a request may say beside the question, with the application's own values
    models      names of the models that write answers, in the order of the graph
    needs       kinds of media without which there is no answer, whatever is written
    """

    generates: bool = False
    takes: tuple[str, ...] = ()
    speaks: bool = False
    fields: dict[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


def traits_of(graph: Graph) -> Traits:
    graph = to_format_2(graph)
    entrances = {node.id for node in graph.nodes if node.adapter == INPUT}
    used = {edge.source for edge in graph.edges}
    fields: dict[str, str] = {}
    models: dict[str, None] = {}
    generates = False
    for node in graph.nodes:
        adapter = ADAPTERS.get(node.adapter)
        if adapter is None:
            continue
        alone = graph.model_copy(update={"nodes": (node,)})
        if adapter.speaks and alone.connections():
            generates = True
            models[str(node.params.get("model") or "")] = None
        for name in adapter.fields:
            fields.setdefault(name, str(node.params.get(name) or ""))
        if named := node.params.get(adapter.names_field):
            fields.setdefault(str(named), "")
    takes = tuple(kind for kind in MEDIA if {f"{one}.{kind}" for one in entrances} & used)
    needs = tuple(kind for kind in takes if not _answers_without(graph, kind))
    return Traits(
        generates=generates,
        takes=takes,
        needs=needs,
        speaks=any(
            node.outputs.get(edge.source.partition(".")[2]) == "audio"
            for node in graph.nodes
            for edge in graph.edges
            if edge.source.partition(".")[0] == node.id and node.id not in entrances
        ),
        fields=fields,
        models=tuple(filter(None, models)),
    )


def _answers_without(graph: Graph, kind: str) -> bool:
    """Whether steps lead to the answer when everything comes with a question but this. Switches are taken
    to go every way; a graph that cannot run answers nothing, which is not for want of a file."""
    try:
        plan = make_plan(graph)
    except GraphInvalid:
        return True
    given: dict[str, set[str]] = {}
    ran: set[str] = set()
    for name, task in plan.tasks.items():
        fed = {port for port, (node, out) in task.wires.items() if out in given[node]}
        needed = task.required | ({task.adapter.needs} - {""})
        outputs: set[str] = set()
        if needed <= fed and (fed or not task.wires):
            ran.add(name)
            outputs = set(task.ports.outputs) - ({kind} if task.adapter.id == INPUT else set())
        given[name] = outputs
    return plan.output in ran
