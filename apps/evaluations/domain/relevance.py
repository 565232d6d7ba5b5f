"""Which retrieved passages count as right, from what a dataset says about a question.

relevant only    every named document is a target; a passage finds it by coming from it
evidence only    every evidence phrase is a target; a passage finds it by holding all its words
both             evidence phrases are the targets, and the passage must come from a named document
neither          there are no targets and retrieval metrics are n/a
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from apps.evaluations.domain.tokens import rouge_tokens


def targets_found(
    passages: Sequence[tuple[str, str]], relevant: Sequence[str], evidence: Sequence[str]
) -> tuple[list[frozenset[int]], int]:
    """Per passage (document name, text) the targets it holds, and how many targets there are."""
    phrases = [frozenset(rouge_tokens(phrase)) for phrase in evidence]
    phrases = [phrase for phrase in phrases if phrase]
    if phrases:
        found = [
            _phrases_in(text, phrases) if _is_from(document, relevant) else frozenset()
            for document, text in passages
        ]
        return found, len(phrases)
    names = list(dict.fromkeys(_key(name) for name in relevant))
    found = [
        frozenset(index for index, name in enumerate(names) if same_document(document, name))
        for document, _ in passages
    ]
    return found, len(names)


def same_document(document: str, name: str) -> bool:
    """Whether a dataset's name means this document: its path, the end of it, or its bare file name.

    "refunds", "refunds.md" and "policies/refunds.md" all mean the document "hr/policies/refunds.md".
    """
    path, wanted = _key(document), _key(name)
    if path == wanted or path.endswith(f"/{wanted}"):
        return True
    return "." not in PurePosixPath(wanted).name and (
        _without_suffix(path) == wanted or _without_suffix(path).endswith(f"/{wanted}")
    )


def _is_from(document: str, relevant: Sequence[str]) -> bool:
    return not relevant or any(same_document(document, name) for name in relevant)


def _phrases_in(text: str, phrases: list[frozenset[str]]) -> frozenset[int]:
    words = frozenset(rouge_tokens(text))
    return frozenset(index for index, phrase in enumerate(phrases) if phrase <= words)


def _key(name: str) -> str:
    return name.strip().replace("\\", "/").strip("/").casefold()


def _without_suffix(path: str) -> str:
    return str(PurePosixPath(path).with_suffix("")) if path else path
