"""From a spec to the graph that runs. The graph names connections; it holds no address or secret."""

from __future__ import annotations

from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.validate import AVAILABLE, BUILTIN
from apps.projects.errors import ApplicationNotAvailable
from apps.runtime.graph import Edge, Graph, Node


def build_graph(spec: ProjectSpec) -> Graph:
    """The runtime graph of a complete spec.

    With collections   question -> retriever -> prompt -> llm -> answer, or, without a language
                       model, question -> retriever -> extractive -> answer
    Without            question -> prompt -> llm -> answer

    Raises ApplicationNotAvailable for applications that this release cannot run.
    """
    if spec.spec.application not in AVAILABLE:
        raise ApplicationNotAvailable(application=spec.spec.application)
    nodes = [Node(id="question", component="chat-input")]
    edges: list[tuple[str, str]] = []
    if spec.spec.knowledge.collections:
        nodes.append(_retriever(spec))
        edges += [
            ("question.question", "retriever.question"),
            ("question.history", "retriever.history"),
        ]
    if spec.spec.model.connection == BUILTIN:
        _extractive(nodes, edges)
    else:
        _generative(spec, nodes, edges)
    nodes.append(Node(id="answer", component="chat-output"))
    if spec.spec.knowledge.collections:
        edges.append(("retriever.passages", "answer.passages"))
    return Graph(
        application=spec.spec.application,
        nodes=tuple(nodes),
        edges=tuple(Edge(source=source, target=target) for source, target in edges),
    )


def _retriever(spec: ProjectSpec) -> Node:
    retrieve = spec.spec.knowledge.retrieve
    return Node(
        id="retriever", component="retriever", params={"mode": retrieve.mode, "k": retrieve.k}
    )


def _extractive(nodes: list[Node], edges: list[tuple[str, str]]) -> None:
    nodes.append(Node(id="extractive", component="extractive"))
    edges += [
        ("question.question", "extractive.question"),
        ("question.history", "extractive.history"),
        ("retriever.passages", "extractive.passages"),
        ("extractive.answer", "answer.answer"),
    ]


def _generative(spec: ProjectSpec, nodes: list[Node], edges: list[tuple[str, str]]) -> None:
    nodes += [
        Node(id="prompt", component="prompt", params={"instruction": spec.spec.instruction}),
        Node(
            id="llm",
            component="llm",
            params={
                "server": spec.spec.model.connection,
                "model": spec.spec.model.name,
                **spec.spec.parameters.model_dump(),
            },
        ),
    ]
    edges += [("question.question", "prompt.question"), ("question.history", "prompt.history")]
    if spec.spec.knowledge.collections:
        edges.append(("retriever.passages", "prompt.passages"))
    edges += [("prompt.messages", "llm.messages"), ("llm.answer", "answer.answer")]
