"""Graphs and resources that the runtime's tests run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.runtime.events import Event, Passage
from apps.runtime.graph import Edge, Graph, Node
from apps.runtime.resources import ModelServer, Resources, RetrievalMode, RunRequest, Turn

PASSAGES = (
    Passage("c1", "d1", "leave.md", "# Leave\nStaff get thirty days of leave a year.", 0.9),
    Passage("c2", "d2", "pay.md", "Invoices are paid within two weeks. Ask finance.", 0.5),
)


def graph(nodes: dict[str, tuple[str, dict[str, Any]]], *edges: str) -> Graph:
    """Nodes by id as (component, params); edges as "a.x > b.y"."""
    return Graph(
        application="qna",
        nodes=tuple(
            Node(id=name, component=component, params=params)
            for name, (component, params) in nodes.items()
        ),
        edges=tuple(
            Edge(source=source, target=target)
            for source, target in (edge.split(" > ") for edge in edges)
        ),
    )


def chat(model: str, **params: Any) -> Graph:
    return graph(
        {
            "question": ("chat-input", {}),
            "prompt": ("prompt", {"instruction": "Be brief."}),
            "llm": ("llm", {"server": "local", "model": model, **params}),
            "answer": ("chat-output", {}),
        },
        "question.question > prompt.question",
        "question.history > prompt.history",
        "prompt.messages > llm.messages",
        "llm.answer > answer.answer",
    )


def rag(model: str, **params: Any) -> Graph:
    return graph(
        {
            "question": ("chat-input", {}),
            "retriever": ("retriever", {"mode": "hybrid", "k": 2}),
            "prompt": ("prompt", {"instruction": ""}),
            "llm": ("llm", {"server": "local", "model": model, **params}),
            "answer": ("chat-output", {}),
        },
        "question.question > retriever.question",
        "question.history > retriever.history",
        "question.question > prompt.question",
        "question.history > prompt.history",
        "retriever.passages > prompt.passages",
        "prompt.messages > llm.messages",
        "llm.answer > answer.answer",
        "retriever.passages > answer.passages",
    )


def quoting() -> Graph:
    return graph(
        {
            "question": ("chat-input", {}),
            "retriever": ("retriever", {}),
            "extractive": ("extractive", {}),
            "answer": ("chat-output", {}),
        },
        "question.question > retriever.question",
        "question.question > extractive.question",
        "question.history > extractive.history",
        "retriever.passages > extractive.passages",
        "extractive.answer > answer.answer",
        "retriever.passages > answer.passages",
    )


@dataclass
class ListRetriever:
    """Finds the same passages for everything and remembers what was asked."""

    passages: Sequence[Passage] = PASSAGES
    asked: list[str] = field(default_factory=list)

    async def search(self, query: str, *, mode: RetrievalMode, k: int) -> list[Passage]:
        self.asked.append(query)
        return list(self.passages[:k])


def resources(server: ModelServer) -> Resources:
    return Resources(servers={"local": server}, retriever=ListRetriever())


def ask(text: str, *before: str) -> RunRequest:
    """A question after a conversation of alternating questions and answers."""
    roles = ("user", "assistant")
    turns = [Turn(roles[at % 2], content) for at, content in enumerate(before)]  # type: ignore[arg-type]
    return RunRequest((*turns, Turn("user", text)))


def kinds(events: Sequence[Event]) -> list[str]:
    return [type(event).__name__ for event in events]
