"""What a spec runs, as the short chain of steps that people are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from apps.catalog.domain.catalog import components
from apps.projects.domain.blueprints import BUILTIN, STORES, flow_of
from apps.projects.domain.spec import FlowNode, ProjectSpec, Spec
from apps.projects.domain.summary import MODES, STRATEGIES, between, guards, served


@dataclass(frozen=True, slots=True)
class FlowStep:
    """component: its id in the catalog. missing: needed, and not there yet."""

    component: str
    detail: str
    missing: bool = False


def flow(spec: ProjectSpec, titles: Mapping[str, str] | None = None) -> list[FlowStep]:
    """The chain from question to answer, whether or not the spec is complete."""
    steps = [_step(node, spec.spec, titles or {}) for node in flow_of(spec).nodes]
    quoting = spec.spec.application == "qna" and spec.spec.model.connection == BUILTIN
    if quoting and spec.spec.flow is None and not spec.spec.knowledge.collections:
        place = [step.component for step in steps].index("extractive")
        steps.insert(place, FlowStep("retriever", "no collection chosen yet", missing=True))
    return steps


def _step(node: FlowNode, spec: Spec, titles: Mapping[str, str]) -> FlowStep:
    if spec.flow is not None or node.component not in DETAILS:
        component = components().get(node.component)
        summary = node.title or (component.summary if component else "not known here")
        return FlowStep(node.component, summary, missing=component is None)
    detail, missing = DETAILS[node.component](spec, titles)
    return FlowStep(node.component, detail, missing)


def _question(spec: Spec, titles: Mapping[str, str]) -> tuple[str, bool]:
    return QUESTIONS.get(spec.application, "what the user asks"), False


def _model(spec: Spec, titles: Mapping[str, str]) -> tuple[str, bool]:
    missing = spec.model.connection == BUILTIN or not spec.model.name
    return "no language model chosen" if missing else served(spec.model), missing


def _languages(spec: Spec, titles: Mapping[str, str]) -> tuple[str, bool]:
    return between(spec.languages), not spec.languages.target


def _code(spec: Spec, titles: Mapping[str, str]) -> tuple[str, bool]:
    language = spec.languages.target
    return f"code in {language}" if language else "in the language that the question names", False


def _retriever(spec: Spec, titles: Mapping[str, str]) -> tuple[str, bool]:
    names = ", ".join(titles.get(name, name) for name in spec.knowledge.collections)
    retrieve = spec.knowledge.retrieve
    return f"best {retrieve.k} of {names}, {MODES[retrieve.mode]}", False


def _dataprep(spec: Spec, titles: Mapping[str, str]) -> tuple[str, bool]:
    names = ", ".join(titles.get(name, name) for name in spec.knowledge.collections)
    return f"the passages of {names}", False


def _embedding(spec: Spec, titles: Mapping[str, str]) -> tuple[str, bool]:
    embedding = spec.knowledge.embedding
    where = "built in" if embedding.connection == BUILTIN else f"at {embedding.connection}"
    return f"makes vectors of them with {embedding.name}, {where}", False


def _store(spec: Spec, titles: Mapping[str, str]) -> tuple[str, bool]:
    store = spec.knowledge.store
    return (
        (f"keeps and ranks them at {store.connection}", False)
        if store.connection
        else ("no connection chosen", True)
    )


def _reranking(spec: Spec, titles: Mapping[str, str]) -> tuple[str, bool]:
    return f"keeps the best of them, by {spec.knowledge.rerank.connection}", False


def _answer(spec: Spec, titles: Mapping[str, str]) -> tuple[str, bool]:
    cited = spec.knowledge.collections or spec.model.connection == BUILTIN
    if spec.application == "qna" and cited:
        return "with numbered citations", False
    return ANSWERS.get(spec.application, "as text"), False


def _recognition(spec: Spec, titles: Mapping[str, str]) -> tuple[str, bool]:
    chosen = bool(spec.speech.recognition.connection)
    return served(spec.speech.recognition) if chosen else "no server chosen", not chosen


def _synthesis(spec: Spec, titles: Mapping[str, str]) -> tuple[str, bool]:
    synthesis = spec.speech.synthesis
    return served(synthesis) + (f", voice {synthesis.voice}" if synthesis.voice else ""), False


def _summary(spec: Spec, titles: Mapping[str, str]) -> tuple[str, bool]:
    words = f"about {spec.summary.words} words"
    if spec.model.connection == BUILTIN:
        return f"quotes the central sentences, {words}", False
    return f"{words}, {STRATEGIES[spec.summary.strategy]}, {served(spec.model)}", False


Detail = Callable[[Spec, Mapping[str, str]], tuple[str, bool]]
"""From the spec and titles of collections to what the step does, and whether it is still missing."""
DETAILS: Final[Mapping[str, Detail]] = {
    "chat-input": _question,
    "document-reader": lambda spec, titles: ("typed words, or an attached document", False),
    "speech-recognition": _recognition,
    "guardrail-in": lambda spec, titles: (guards(spec.guardrails.input), False),
    "guardrail-out": lambda spec, titles: (guards(spec.guardrails.output), False),
    "dataprep": _dataprep,
    "embedding": _embedding,
    **{f"vector-store-{kind}": _store for kind in STORES},
    "retriever": _retriever,
    "rerank": _reranking,
    "prompt": lambda spec, titles: ("instruction, passages and conversation", False),
    "extractive": lambda spec, titles: ("quotes word for word, no language model", False),
    "translation-prompt": _languages,
    "code-translation-prompt": _languages,
    "code-prompt": _code,
    "llm": _model,
    "vision-model": _model,
    "summarizer": _summary,
    "speech-synthesis": _synthesis,
    "chat-output": _answer,
}
QUESTIONS: Final[Mapping[str, str]] = {
    "audio-chat": "what the user says or types",
    "visual-chat": "a picture and what the user asks about it",
    "translation": "a text to translate",
    "code-gen": "what the code shall do",
    "code-trans": "the code to translate",
    "summarizer": "a text or a document",
}
ANSWERS: Final[Mapping[str, str]] = {
    "audio-chat": "as text, and spoken where a voice is chosen",
    "translation": "the translation, as it is written",
    "code-gen": "code blocks with what each is for",
    "code-trans": "one code block, and what differs",
    "summarizer": "the summary, as it is written",
}
