"""Whether guardrails and reranking can do what they say: their connections, words and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from apps.projects.domain.findings import Finding
from apps.projects.domain.pydantic_findings import did_you_mean
from apps.projects.domain.shape import Path
from apps.projects.domain.spec import Guardrail, Knowledge, Spec

RERANKING: Final = ("openai", "opea")


def guard_findings(spec: Spec, kinds: Mapping[str, str] | None) -> Iterator[Finding]:
    """Of `spec.guardrails` and `spec.knowledge.rerank`. kinds: None where connections are unknown."""
    for side in ("input", "output"):
        rules: tuple[Guardrail, ...] = getattr(spec.guardrails, side)
        yield from rule_findings(rules, ("spec", "guardrails", side), kinds)
    yield from _rerank(spec.knowledge, kinds)


def rule_findings(
    rules: Iterable[Guardrail], path: Path, kinds: Mapping[str, str] | None
) -> Iterator[Finding]:
    for number, rule in enumerate(rules):
        place = (*path, number)
        if rule.kind == "topic" and not any(word.strip() for word in rule.words):
            message = "A topic rule needs the words that must not be spoken about."
            yield Finding("spec.guardrail.words-missing", message, (*place, "words"))
        if rule.kind != "topic" and rule.words:
            message = f"Only topic rules have words; this one looks for {rule.kind}. Remove them."
            yield Finding("spec.guardrail.words-unused", message, (*place, "words"), "warning")
        if rule.kind == "opea":
            yield from _opea(rule, place, kinds)
        elif rule.connection:
            message = f"Rules of kind {rule.kind} are built in and need no connection. Remove it."
            yield Finding(
                "spec.guardrail.connection-unused", message, (*place, "connection"), "warning"
            )


def _opea(rule: Guardrail, path: Path, kinds: Mapping[str, str] | None) -> Iterator[Finding]:
    place = (*path, "connection")
    if not rule.connection:
        message = "Choose the connection of the OPEA guardrails service that this rule asks."
        yield Finding("spec.guardrail.connection-missing", message, place)
    elif kinds is not None and rule.connection not in kinds:
        yield _unknown(rule.connection, place, kinds)
    elif kinds is not None and kinds[rule.connection] != "opea":
        message = f"“{rule.connection}” is no OPEA service. Choose a connection of that kind."
        yield Finding("spec.guardrail.connection-kind", message, place)
    if rule.action == "mask":
        message = (
            "The service does not say where something stands, so this rule blocks the whole text."
        )
        yield Finding("spec.guardrail.mask-blocks", message, (*path, "action"), "warning")


def _rerank(knowledge: Knowledge, kinds: Mapping[str, str] | None) -> Iterator[Finding]:
    rerank = knowledge.rerank
    path = ("spec", "knowledge", "rerank")
    if not rerank.connection:
        return
    if kinds is not None and rerank.connection not in kinds:
        yield _unknown(rerank.connection, (*path, "connection"), kinds)
    elif kinds is not None and kinds[rerank.connection] not in RERANKING:
        message = f"“{rerank.connection}” cannot rerank. Choose a model server or an OPEA reranking service."
        yield Finding("spec.rerank.connection-kind", message, (*path, "connection"))
    elif kinds is not None and kinds[rerank.connection] == "openai" and not rerank.name.strip():
        message = f"Choose the reranking model that {rerank.connection} serves."
        yield Finding("spec.rerank.model-missing", message, (*path, "name"))
    if rerank.top_n >= knowledge.retrieve.k:
        message = (
            f"Of {knowledge.retrieve.k} passages found {rerank.top_n} are kept: reranking only sorts "
            "them. Retrieve more, or keep fewer."
        )
        yield Finding("spec.rerank.keeps-all", message, (*path, "top_n"), "warning")


def _unknown(name: str, path: Path, kinds: Mapping[str, str]) -> Finding:
    message = f"There is no connection “{name}”.{did_you_mean(name, list(kinds))} Create it under Connections."
    return Finding("spec.connection.unknown", message, path)
