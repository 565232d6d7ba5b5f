"""Is a spec complete and does it fit its surroundings? Says so in Findings; never changes anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from apps.projects.domain.blueprints import AVAILABLE, BUILTIN
from apps.projects.domain.findings import Finding, Severity
from apps.projects.domain.flow_findings import flow_findings
from apps.projects.domain.guard_findings import guard_findings
from apps.projects.domain.ignored import ignored_findings
from apps.projects.domain.knowledge_findings import (
    BUILTIN_EMBEDDINGS,
    CollectionFacts,
    index_findings,
    store_findings,
)
from apps.projects.domain.needs import application_needs
from apps.projects.domain.pydantic_findings import did_you_mean
from apps.projects.domain.shape import Path
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.yaml_io import locate, parse

BUILTIN_MODELS = ("extractive",)
CHARS_PER_TOKEN = 4
"""A rule of thumb for English, for warnings only."""
LARGE_CONTEXT_TOKENS = 6_000
"""Passages beyond this do not fit beside a reply in the 8k window of many small models."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the project's owner has. None means unknown (no database at hand): not checked.

    connections   model names by connection; no names means the server was never asked
    kinds         of connections ("openai", "opea", "qdrant" …); those left out are "openai"
    """

    connections: Mapping[str, tuple[str, ...]] | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    collections: Mapping[str, CollectionFacts] | None = None


@dataclass(slots=True)
class _Report:
    findings: list[Finding] = field(default_factory=list)

    def add(self, code: str, path: str, message: str, severity: Severity = "error") -> None:
        self.findings.append(Finding(code, message, _path(path), severity))


def _path(dotted: str) -> Path:
    return tuple(int(part) if part.isdecimal() else part for part in dotted.split("."))


def check(text: str, context: Context | None = None) -> tuple[ProjectSpec | None, list[Finding]]:
    """Parse and judge a file: every finding with its line and column, top to bottom."""
    spec, unfit = parse(text)
    if spec is None:
        return None, unfit
    return spec, locate(text, findings(spec, context))


def findings(spec: ProjectSpec, context: Context | None = None) -> list[Finding]:
    """What keeps the spec from being built (errors) and what is likely unwanted (warnings).

    Without a context a file is judged alone. An application of a later release is a warning then:
    the file is valid, and only this studio cannot build it (`build_graph` refuses).
    """
    report = _Report()
    if spec.spec.application not in AVAILABLE:
        _unavailable(report, spec, "warning" if context is None else "error")
    context = context or Context()
    _model(report, spec, context)
    _knowledge(report, spec, context)
    _speech(report, spec, context)
    application_needs(report, spec, _kinds(context))
    _gates(report, spec)
    _deployment(report, spec)
    kinds = _kinds(context)
    return [
        *report.findings,
        *guard_findings(spec.spec, kinds),
        *store_findings(spec.spec, kinds),
        *flow_findings(spec, kinds),
        *index_findings(spec, context.collections),
        *ignored_findings(spec, kinds),
    ]


def _kinds(context: Context) -> dict[str, str] | None:
    """Every connection with its kind; None where they are unknown."""
    if context.connections is None:
        return None
    return {name: context.kinds.get(name, "openai") for name in context.connections}


def errors(found: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.severity == "error"]


def _unavailable(report: _Report, spec: ProjectSpec, severity: Severity) -> None:
    report.add(
        "spec.application.not-available",
        "spec.application",
        f"{spec.spec.application} cannot be built by this release yet; {', '.join(AVAILABLE)} can. The "
        "file stays valid and can be built once a later release brings the application.",
        severity,
    )


def _model(report: _Report, spec: ProjectSpec, context: Context) -> None:
    model = spec.spec.model
    if model.connection == BUILTIN:
        if model.name not in BUILTIN_MODELS:
            report.add(
                "spec.model.unknown",
                "spec.model.name",
                f"There is no built-in model “{model.name}”. Use {BUILTIN_MODELS[0]}, or name a "
                "connection.",
            )
        return
    if not _connection_known(report, model.connection, "spec.model.connection", context):
        return
    if not model.name.strip():
        report.add(
            "spec.model.name-missing",
            "spec.model.name",
            f"Choose one of the models that {model.connection} serves.",
        )
        return
    served = (context.connections or {}).get(model.connection, ())
    if served and model.name not in served:
        hint = did_you_mean(model.name, served)
        report.add(
            "spec.model.not-served",
            "spec.model.name",
            f"{model.connection} did not list a model “{model.name}” when it was last tested."
            f"{hint} Test the connection again or choose another model.",
            "warning",
        )


def _connection_known(
    report: _Report, name: str, path: str, context: Context, *, builtin: bool = True
) -> bool:
    """builtin: whether something built in could do it as well."""
    if context.connections is None or name in context.connections:
        return True
    hint = did_you_mean(name, [*context.connections, *([BUILTIN] if builtin else [])])
    otherwise = "or use builtin" if builtin else "or choose another"
    report.add(
        "spec.connection.unknown",
        path,
        f"There is no connection “{name}”.{hint} Create it under Connections, {otherwise}.",
    )
    return False


def _speech(report: _Report, spec: ProjectSpec, context: Context) -> None:
    speech = spec.spec.speech
    for name, part in (("recognition", speech.recognition), ("synthesis", speech.synthesis)):
        if part.connection:
            _connection_known(
                report, part.connection, f"spec.speech.{name}.connection", context, builtin=False
            )


def _knowledge(report: _Report, spec: ProjectSpec, context: Context) -> None:
    knowledge = spec.spec.knowledge
    if knowledge.chunk.overlap >= knowledge.chunk.size:
        report.add(
            "spec.chunk.overlap",
            "spec.knowledge.chunk.overlap",
            f"The overlap ({knowledge.chunk.overlap}) must be smaller than the chunk size "
            f"({knowledge.chunk.size}), or chunks would never advance.",
        )
    _embedding(report, spec, context)
    if not knowledge.collections:
        _no_collections(report, spec)
    for place, name in _duplicates(knowledge.collections):
        report.add(
            "spec.collection.twice",
            f"spec.knowledge.collections.{place}",
            f"The collection “{name}” is listed twice. Keep it once.",
        )
    if context.collections is not None:
        for name in dict.fromkeys(knowledge.collections):
            _collection(report, spec, name, context.collections)
    _context_size(report, spec)


def _no_collections(report: _Report, spec: ProjectSpec) -> None:
    if spec.spec.model.connection == BUILTIN and spec.spec.application in ("qna", "audio-chat"):
        report.add(
            "spec.knowledge.missing",
            "spec.knowledge.collections",
            "The built-in answerer quotes documents, so it needs at least one collection. Choose "
            "or upload one, or connect a language model.",
        )
    elif spec.spec.application == "qna":
        report.add(
            "spec.knowledge.none",
            "spec.knowledge.collections",
            "No collection is chosen: the model answers from what it learned in training, without "
            "citations.",
            "warning",
        )


def _collection(
    report: _Report, spec: ProjectSpec, name: str, known: Mapping[str, CollectionFacts]
) -> None:
    knowledge = spec.spec.knowledge
    path = f"spec.knowledge.collections.{knowledge.collections.index(name)}"
    facts = known.get(name)
    if facts is None:
        report.add(
            "spec.collection.unknown",
            path,
            f"There is no collection “{name}”.{did_you_mean(name, list(known))} Create it and add "
            "documents to it.",
        )
        return
    if not facts.ready_documents:
        report.add(
            "spec.collection.empty",
            path,
            f"The collection “{name}” has no document that is ready. Upload some, or wait until "
            "they are indexed.",
            "warning",
        )
    cut = (facts.chunk_size, facts.chunk_overlap)
    if cut != (knowledge.chunk.size, knowledge.chunk.overlap) and facts.chunk_size:
        report.add(
            "spec.chunk.differs",
            "spec.knowledge.chunk.size",
            f"“{name}” is cut into {cut[0]} characters with {cut[1]} shared, not "
            f"{knowledge.chunk.size} with {knowledge.chunk.overlap}. The collection's own cut "
            "is used; change it there to index it anew.",
            "warning",
        )
    wanted = f"{knowledge.embedding.connection}:{knowledge.embedding.name}"
    if facts.embedding and facts.embedding != wanted:
        report.add(
            "spec.embedding.differs",
            "spec.knowledge.embedding.name",
            f"“{name}” is embedded with {facts.embedding}, not with {wanted}. The collection's own "
            "embedding is used.",
            "warning",
        )


def _embedding(report: _Report, spec: ProjectSpec, context: Context) -> None:
    embedding = spec.spec.knowledge.embedding
    if embedding.connection != BUILTIN:
        _connection_known(
            report, embedding.connection, "spec.knowledge.embedding.connection", context
        )
    elif embedding.name not in BUILTIN_EMBEDDINGS:
        report.add(
            "spec.embedding.unknown",
            "spec.knowledge.embedding.name",
            f"There is no built-in embedding “{embedding.name}”. Use {BUILTIN_EMBEDDINGS[0]}.",
        )


def _context_size(report: _Report, spec: ProjectSpec) -> None:
    knowledge = spec.spec.knowledge
    tokens = knowledge.retrieve.k * knowledge.chunk.size // CHARS_PER_TOKEN
    if (
        knowledge.collections
        and spec.spec.model.connection != BUILTIN
        and tokens > LARGE_CONTEXT_TOKENS
    ):
        report.add(
            "spec.retrieve.large",
            "spec.knowledge.retrieve.k",
            f"{knowledge.retrieve.k} passages of {knowledge.chunk.size} characters are about "
            f"{tokens:,} tokens per question. Check that the model's context is that large.",
            "warning",
        )


def _gates(report: _Report, spec: ProjectSpec) -> None:
    for number, gate in enumerate(spec.spec.evaluation.gates):
        path = f"spec.evaluation.gates.{number}"
        if gate.min is None and gate.max is None:
            report.add("spec.gate.empty", path, f"The gate on {gate.metric} needs min or max.")
        elif gate.min is not None and gate.max is not None and gate.min > gate.max:
            report.add(
                "spec.gate.range",
                f"{path}.min",
                f"The gate on {gate.metric} can never pass: min {gate.min:g} is above max "
                f"{gate.max:g}.",
            )


def _deployment(report: _Report, spec: ProjectSpec) -> None:
    deployment = spec.spec.deployment
    if not deployment.formats:
        report.add(
            "spec.formats.missing",
            "spec.deployment.formats",
            "Choose at least one format for the package, for example compose.",
        )
    for place, name in _duplicates(deployment.formats):
        report.add(
            "spec.formats.twice",
            f"spec.deployment.formats.{place}",
            f"The format {name} is listed twice. Keep it once.",
        )


def _duplicates(names: Iterable[str]) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    for place, name in enumerate(names):
        if name in seen:
            yield place, name
        seen.add(name)
