"""What may stand in a graph: components with typed ports and checked parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from apps.runtime.events import Citation, FinishReason
from apps.runtime.resources import RetrievalMode

PortType = Literal["text", "history", "passages", "messages", "answer"]
"""str, tuple[Turn], tuple[Passage], tuple[Turn], Reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What travels through an "answer" port. citations None: still to be read from the text."""

    text: str
    citations: tuple[Citation, ...] | None = None
    finish_reason: FinishReason = "stop"
    model: str = ""
    generated: bool = True


@dataclass(frozen=True, slots=True)
class Port:
    type: PortType
    required: bool = True


class Params(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NoParams(Params):
    pass


class RetrieverParams(Params):
    mode: RetrievalMode = "hybrid"
    k: int = Field(default=6, ge=1, le=50)


class PromptParams(Params):
    instruction: str = ""


class LlmParams(Params):
    server: str
    model: str
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Component:
    id: str
    title: str
    inputs: Mapping[str, Port] = field(default_factory=dict)
    outputs: Mapping[str, Port] = field(default_factory=dict)
    params: type[Params] = NoParams


COMPONENTS: Mapping[str, Component] = {
    component.id: component
    for component in (
        Component(
            "chat-input",
            "Question",
            outputs={"question": Port("text"), "history": Port("history")},
        ),
        Component(
            "retriever",
            "Passages from collections",
            inputs={"question": Port("text"), "history": Port("history", required=False)},
            outputs={"passages": Port("passages")},
            params=RetrieverParams,
        ),
        Component(
            "prompt",
            "Prompt",
            inputs={
                "question": Port("text"),
                "history": Port("history", required=False),
                "passages": Port("passages", required=False),
            },
            outputs={"messages": Port("messages")},
            params=PromptParams,
        ),
        Component(
            "llm",
            "Language model",
            inputs={"messages": Port("messages")},
            outputs={"answer": Port("answer")},
            params=LlmParams,
        ),
        Component(
            "extractive",
            "Quotations from passages",
            inputs={
                "question": Port("text"),
                "history": Port("history", required=False),
                "passages": Port("passages"),
            },
            outputs={"answer": Port("answer")},
        ),
        Component(
            "chat-output",
            "Answer",
            inputs={"answer": Port("answer"), "passages": Port("passages", required=False)},
        ),
    )
}
