"""What a spec runs, as the short chain of steps that people are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apps.projects.domain.blueprints import BUILTIN
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.summary import MODES


@dataclass(frozen=True, slots=True)
class FlowStep:
    """component: its id in the catalog. missing: needed, and not there yet."""

    component: str
    detail: str
    missing: bool = False


def flow(spec: ProjectSpec, titles: Mapping[str, str] | None = None) -> list[FlowStep]:
    """The chain from question to answer, whether or not the spec is complete."""
    part, titles = spec.spec, titles or {}
    builtin = part.model.connection == BUILTIN
    steps = [FlowStep("chat-input", "what the user asks")]
    if part.knowledge.collections:
        names = ", ".join(titles.get(name, name) for name in part.knowledge.collections)
        retrieve = part.knowledge.retrieve
        steps.append(FlowStep("retriever", f"best {retrieve.k} of {names}, {MODES[retrieve.mode]}"))
    elif builtin:
        steps.append(FlowStep("retriever", "no collection chosen yet", missing=True))
    if builtin:
        steps.append(FlowStep("extractive", "quotes word for word, no language model"))
    else:
        steps.append(FlowStep("prompt", "instruction, passages and conversation"))
        detail = f"{part.model.name or 'no model chosen'} at {part.model.connection}"
        steps.append(FlowStep("llm", detail, missing=not part.model.name))
    cited = bool(part.knowledge.collections) or builtin
    steps.append(FlowStep("chat-output", "with numbered citations" if cited else "as text"))
    return steps
