"""What each application needs before it can be built, beyond what all of them need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from apps.catalog.domain.catalog import application, blueprints, components
from apps.projects.domain.findings import Severity
from apps.projects.domain.spec import ProjectSpec, Spec, Speech

BUILTIN = "builtin"
GENERATING: Final = ("translation", "code-gen", "code-trans", "visual-chat")
"""Applications that nothing built in can do."""
NEEDING: Final = (*GENERATING, "audio-chat")
"""Applications that cannot be built without a connection."""
TRANSLATING: Final = ("translation", "code-trans")
PARTS: Final[Mapping[str, str]] = {
    "knowledge.retrieve": "spec.knowledge.collections",
    "knowledge.rerank": "spec.knowledge.rerank",
    "knowledge.store": "spec.knowledge.store",
    "guardrails.input": "spec.guardrails.input",
    "guardrails.output": "spec.guardrails.output",
    "speech.recognition": "spec.speech.recognition",
    "speech.synthesis": "spec.speech.synthesis",
    "languages.source": "spec.languages.source",
    "languages.target": "spec.languages.target",
    "summary": "spec.summary",
}
"""Settings that only some components read, and the place that sets them."""
SET: Final[Mapping[str, Callable[[Spec], bool]]] = {
    "knowledge.retrieve": lambda spec: bool(spec.knowledge.collections),
    "knowledge.rerank": lambda spec: bool(spec.knowledge.rerank.connection),
    "knowledge.store": lambda spec: spec.knowledge.store != type(spec.knowledge.store)(),
    "guardrails.input": lambda spec: bool(spec.guardrails.input),
    "guardrails.output": lambda spec: bool(spec.guardrails.output),
    "speech.recognition": lambda spec: bool(spec.speech.recognition.connection),
    "speech.synthesis": lambda spec: bool(spec.speech.synthesis.connection),
    "languages.source": lambda spec: bool(spec.languages.source),
    "languages.target": lambda spec: bool(spec.languages.target),
    "summary": lambda spec: spec.summary != type(spec.summary)(),
}


class Report(Protocol):
    def add(self, code: str, path: str, message: str, severity: Severity = "error") -> None: ...


def application_needs(report: Report, spec: ProjectSpec, kinds: Mapping[str, str] | None) -> None:
    """kinds: connections and their kinds, None where they are unknown."""
    for setting in _unused(spec.spec):
        title = application(spec.spec.application).title
        report.add(
            "spec.part.unused",
            PARTS[setting],
            f"Nothing in this {title} project reads this setting, so it does nothing. Remove it, or "
            "add a component that does.",
            "warning",
        )
    if spec.spec.flow is not None:
        return
    _generation(report, spec.spec)
    if spec.spec.application in TRANSLATING:
        _languages(report, spec.spec)
    if spec.spec.application == "audio-chat":
        _speech(report, spec.spec.speech, kinds)


def _unused(spec: Spec) -> Iterator[str]:
    """Parts that are set and that no component of the project's graph, or blueprint, reads."""
    if spec.flow is not None:
        names = {node.component for node in spec.flow.nodes}
    elif blueprint := blueprints().get(spec.application):
        names = {node.component for node in blueprint.nodes}
    else:
        return
    known = components()
    read = [one.setting for name in names if name in known for one in known[name].parameters]
    for setting, is_set in SET.items():
        if is_set(spec) and not any(f"{one}.".startswith(f"{setting}.") for one in read):
            yield setting


def _generation(report: Report, spec: Spec) -> None:
    if spec.application not in GENERATING or spec.model.connection != BUILTIN:
        return
    title = application(spec.application).title
    seeing = " that takes pictures" if spec.application == "visual-chat" else ""
    report.add(
        "spec.model.needed",
        "spec.model.connection",
        f"{title} needs a language model{seeing}: the built-in answerer only quotes documents. "
        "Connect one under Connections and choose it here.",
    )


def _languages(report: Report, spec: Spec) -> None:
    source, target = spec.languages.source.strip(), spec.languages.target.strip()
    example = "Python" if spec.application == "code-trans" else "German"
    if not target:
        report.add(
            "spec.languages.target-missing",
            "spec.languages.target",
            f"Say the language to translate into, for example {example}. People may choose another "
            "for each text.",
        )
    elif source.casefold() == target.casefold():
        report.add(
            "spec.languages.same",
            "spec.languages.target",
            f"Source and target language are both {target}. Choose two, or leave the source empty: "
            "then the model finds it out.",
        )


def _speech(report: Report, speech: Speech, kinds: Mapping[str, str] | None) -> None:
    if not speech.recognition.connection:
        report.add(
            "spec.speech.recognition-missing",
            "spec.speech.recognition.connection",
            "AudioChat needs a speech recognition server, which turns questions into text. Connect "
            "one under Connections and choose it here.",
        )
    if not speech.synthesis.connection:
        report.add(
            "spec.speech.synthesis-missing",
            "spec.speech.synthesis.connection",
            "No speech synthesis server is chosen: answers come as text and are not spoken.",
            "warning",
        )
    for name, part in (("recognition", speech.recognition), ("synthesis", speech.synthesis)):
        connection = part.connection
        if connection and not part.name.strip() and (kinds or {}).get(connection) != "opea":
            report.add(
                "spec.speech.model-missing",
                f"spec.speech.{name}.name",
                f"Choose one of the models that {connection} serves. Only OPEA's services need none.",
                "error" if kinds is not None else "warning",
            )
