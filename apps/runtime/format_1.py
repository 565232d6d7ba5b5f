"""Graphs of format 1, whose nodes name a component alone: what each of those meant. Never changes."""

from __future__ import annotations

from typing import Final

from apps.runtime.graph import Graph

ADAPTERS: Final[dict[str, tuple[str, dict[str, str], dict[str, str]]]] = {
    "chat-input": ("chat-input", {}, {"question": "text", "history": "history"}),
    "retriever": (
        "retriever",
        {"question": "text", "history": "history?"},
        {"passages": "passages"},
    ),
    "prompt": (
        "prompt",
        {"question": "text", "history": "history?", "passages": "passages?"},
        {"messages": "messages"},
    ),
    "llm": ("openai-chat", {"messages": "messages"}, {"answer": "answer"}),
    "extractive": (
        "extractive",
        {"question": "text", "history": "history?", "passages": "passages"},
        {"answer": "answer"},
    ),
    "chat-output": ("chat-output", {"answer": "answer", "passages": "passages?"}, {}),
}
"""component -> adapter, inputs, outputs."""


def to_format_2(graph: Graph) -> Graph:
    """The graph with adapters and ports in its nodes; unknown components stay as they are."""
    nodes = []
    for node in graph.nodes:
        if not node.adapter and node.component in ADAPTERS:
            adapter, inputs, outputs = ADAPTERS[node.component]
            ports = {"adapter": adapter, "inputs": dict(inputs), "outputs": dict(outputs)}
            node = node.model_copy(update=ports)
        nodes.append(node)
    return graph.model_copy(update={"version": 2, "nodes": tuple(nodes)})
