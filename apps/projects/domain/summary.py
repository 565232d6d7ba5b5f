"""A spec in words, for the review step and the overview."""

from __future__ import annotations

from collections.abc import Mapping

from apps.catalog.domain.catalog import application
from apps.projects.domain.blueprints import BUILTIN
from apps.projects.domain.spec import Guardrail, Languages, Model, ProjectSpec, Served, Spec
from apps.projects.domain.steps import steps_of

LOCATIONS = {"on-prem": "On your own premises", "cloud": "In a cloud", "edge": "At the edge"}
SYSTEMS = {"ubuntu-24.04": "Ubuntu 24.04", "debian-12": "Debian 12", "rhel-9": "RHEL 9"}
TOPOLOGIES = {"single": "one machine", "cluster": "a cluster"}
PACKAGED = {
    "index": "The index travels with the package: ready to answer at the first start.",
    "documents": "The documents travel with the package and are indexed at its first start.",
    "none": "No knowledge travels with the package.",
}
MODES = {"hybrid": "by meaning and by words", "dense": "by meaning", "lexical": "by words"}
STRATEGIES = {
    "auto": "in one go where it fits, else piece by piece",
    "stuff": "in one go",
    "map-reduce": "piece by piece, then together",
    "refine": "piece after piece, each improving the summary",
}
QUOTING = {
    "qna": "Built-in answerer: quotes the best passages, no language model",
    "audio-chat": "Built-in answerer: quotes the best passages, no language model",
    "summarizer": "Built-in summarizer: quotes the central sentences, no language model",
}


def in_words(
    spec: ProjectSpec, titles: Mapping[str, str] | None = None
) -> dict[str, list[tuple[str, str]]]:
    """Label and value per step of the application's wizard. titles: of collections, by name."""
    rows = _rows(spec, titles or {})
    return {
        step.slug: rows[step.slug] for step in steps_of(spec.spec.application) if step.slug in rows
    }


def _rows(spec: ProjectSpec, titles: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    part = spec.spec
    builtin = part.model.connection == BUILTIN
    return {
        "application": [
            ("Title", spec.metadata.title or spec.metadata.name),
            ("Description", spec.metadata.description or "none"),
            ("Application", application(part.application).title),
        ],
        "model": [
            (
                "Answers",
                QUOTING.get(part.application, "no language model chosen")
                if builtin
                else served(part.model),
            )
        ],
        TASKS.get(part.application, "task"): _application(part),
        "parameters": [
            ("Sampling", "not used by the built-in answerer" if builtin else _sampling(spec)),
            ("Instruction", part.instruction or "none"),
        ],
        "knowledge": [
            (
                "Collections",
                ", ".join(titles.get(name, name) for name in part.knowledge.collections) or "none",
            ),
            (
                "Passages",
                f"{part.knowledge.chunk.size} characters, "
                f"{part.knowledge.chunk.overlap} shared with the next",
            ),
            (
                "Retrieval",
                f"the best {part.knowledge.retrieve.k}, found "
                f"{MODES[part.knowledge.retrieve.mode]}{_choosing(part)}",
            ),
            ("Reranking", _reranking(part)),
            ("Vector store", _store(part)),
        ],
        "safety": [
            ("Looks at questions", guards(part.guardrails.input)),
            ("Looks at answers", guards(part.guardrails.output)),
        ],
        "deployment": [
            (
                "Runs",
                f"{LOCATIONS[part.deployment.location]}, on {SYSTEMS[part.deployment.os]}, "
                f"{TOPOLOGIES[part.deployment.topology]}, port {part.deployment.port}",
            ),
            ("Formats", ", ".join(part.deployment.formats) or "none"),
            ("Portal", _features(spec)),
            ("Knowledge", PACKAGED[part.deployment.knowledge.include]),
        ],
    }


STORES = {
    "embedded": "the studio's own index",
    "pgvector": "PostgreSQL with pgvector",
    "redis": "Redis",
    "qdrant": "Qdrant",
    "milvus": "Milvus",
}


def _choosing(part: Spec) -> str:
    retrieve = part.knowledge.retrieve
    said = f", diversity {retrieve.diversity:g}" if retrieve.diversity else ""
    return said + (f", similarity at least {retrieve.min_score:g}" if retrieve.min_score else "")


def _reranking(part: Spec) -> str:
    rerank = part.knowledge.rerank
    return f"keeps {rerank.top_n} of them, by {rerank.connection}" if rerank.connection else "no"


def _store(part: Spec) -> str:
    store = part.knowledge.store
    where = f" at {store.connection}" if store.connection else ", no connection chosen"
    return STORES[store.kind] + (where if store.kind != "embedded" else "")


TASKS = {
    "audio-chat": "speech",
    "translation": "languages",
    "code-trans": "languages",
    "code-gen": "languages",
    "summarizer": "summary",
}
"""The step of the settings that only this kind of application has."""
GUARDS = {
    "pii": "personal data",
    "prompt-injection": "prompt injection",
    "toxicity": "insults and threats",
    "topic": "topics",
    "opea": "OPEA guardrails",
}
ACTIONS = {"block": "blocked", "mask": "hidden", "flag": "noted"}


def guards(rules: tuple[Guardrail, ...]) -> str:
    return ", ".join(f"{GUARDS[rule.kind]} {ACTIONS[rule.action]}" for rule in rules) or "no"


def served(part: Model | Served) -> str:
    return f"{part.name or 'its own model'} at {part.connection}"


def between(languages: Languages) -> str:
    if not languages.target:
        return "no target language chosen"
    return f"from {languages.source or 'any language'} into {languages.target}"


def _application(part: Spec) -> list[tuple[str, str]]:
    """What only this kind of application has to say."""
    if part.application in ("translation", "code-trans"):
        return [("Languages", between(part.languages))]
    if part.application == "code-gen":
        return [("Language", part.languages.target or "as the question says")]
    if part.application == "summarizer":
        length = f"about {part.summary.words} words"
        return [("Summary", f"{length}, {STRATEGIES[part.summary.strategy]}")]
    if part.application == "audio-chat":
        hears, speaks = part.speech.recognition, part.speech.synthesis
        return [
            ("Hears", served(hears) if hears.connection else "no server chosen"),
            ("Speaks", served(speaks) if speaks.connection else "answers as text only"),
        ]
    return []


def _sampling(spec: ProjectSpec) -> str:
    values = spec.spec.parameters
    return (
        f"temperature {values.temperature:g}, top-p {values.top_p:g}, top-k {values.top_k}, "
        f"at most {values.max_tokens:,} tokens"
    )


def _features(spec: ProjectSpec) -> str:
    features = spec.spec.deployment.features
    offered = [
        words
        for words, on in (
            ("self sign-up", features.registration),
            ("API", features.api),
            ("uploads", features.uploads),
        )
        if on
    ]
    return "chat with " + ", ".join(offered) if offered else "chat only"
