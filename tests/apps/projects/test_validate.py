"""Completeness: what keeps a spec from being built, and what is likely unwanted."""

from __future__ import annotations

import pytest

from apps.projects.domain import validate
from apps.projects.domain.knowledge_findings import CollectionFacts
from apps.projects.domain.validate import Context, check, findings
from tests.apps.projects.specs import TEXT, spec

HAS = Context(
    connections={"local": ("llama", "qwen"), "quiet": ()},
    collections={
        "hr-helpdesk": CollectionFacts(3, 800, 120, "builtin:all-minilm-l6-v2"),
        "empty": CollectionFacts(0, 800, 120, "builtin:all-minilm-l6-v2"),
        "other": CollectionFacts(1, 500, 50, "local:bge"),
    },
)


def codes(context: Context | None = HAS, **changes: object) -> list[tuple[str, str]]:
    return [(one.code, one.severity) for one in findings(spec(**changes), context)]


def test_starter_is_complete() -> None:
    assert codes() == []
    assert codes(context=None) == []


def test_file_alone_stays_valid_for_an_application_of_a_later_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(validate, "AVAILABLE", ("summarizer",))

    assert codes(context=None) == [("spec.application.not-available", "warning")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model__name": "gpt"}, [("spec.model.unknown", "error")]),
        (
            {"model": {"connection": "locl", "name": "llama"}},
            [("spec.connection.unknown", "error")],
        ),
        ({"model": {"connection": "local", "name": "llama"}}, []),
        (
            {"model": {"connection": "local", "name": " "}},
            [("spec.model.name-missing", "error")],
        ),
        (
            {"model": {"connection": "local", "name": "lama"}},
            [("spec.model.not-served", "warning")],
        ),
        ({"model": {"connection": "quiet", "name": "anything"}}, []),
        ({"knowledge__collections": []}, [("spec.knowledge.missing", "error")]),
        (
            {"knowledge__collections": [], "model": {"connection": "local", "name": "llama"}},
            [("spec.knowledge.none", "warning")],
        ),
        ({"knowledge__collections": ["nothing"]}, [("spec.collection.unknown", "error")]),
        ({"knowledge__collections": ["empty"]}, [("spec.collection.empty", "warning")]),
        (
            {"knowledge__collections": ["hr-helpdesk", "hr-helpdesk"]},
            [("spec.collection.twice", "error")],
        ),
        (
            {"knowledge__collections": ["other"]},
            [("spec.chunk.differs", "warning"), ("spec.embedding.differs", "warning")],
        ),
        (
            {"knowledge__chunk": {"size": 200, "overlap": 200}},
            [("spec.chunk.overlap", "error"), ("spec.chunk.differs", "warning")],
        ),
        (
            {"knowledge__embedding__name": "bge"},
            [("spec.embedding.unknown", "error"), ("spec.embedding.differs", "warning")],
        ),
        (
            {"knowledge__retrieve__k": 40, "model": {"connection": "local", "name": "llama"}},
            [("spec.retrieve.large", "warning")],
        ),
        ({"evaluation__gates": [{"metric": "f1"}]}, [("spec.gate.empty", "error")]),
        (
            {"evaluation__gates": [{"metric": "f1", "min": 0.9, "max": 0.1}]},
            [("spec.gate.range", "error")],
        ),
        ({"deployment__formats": []}, [("spec.formats.missing", "error")]),
        ({"deployment__formats": ["compose", "compose"]}, [("spec.formats.twice", "error")]),
    ],
)
def test_finding(changes: dict[str, object], expected: list[tuple[str, str]]) -> None:
    assert codes(**changes) == expected


def test_without_surroundings_names_are_not_judged() -> None:
    changes = {"model": {"connection": "any", "name": "x"}, "knowledge__collections": ["any"]}

    assert codes(context=None, **changes) == []


def test_unknown_names_get_a_suggestion() -> None:
    found = findings(spec(model={"connection": "locl", "name": "x"}), HAS)

    assert "Did you mean local?" in found[0].message


def test_check_gives_the_line_of_what_is_incomplete() -> None:
    made, found = check(TEXT.replace("[hr-helpdesk]", "[hr-helpdesk, nothing]"), HAS)

    assert made is not None
    assert [(one.code, one.line, one.column) for one in found] == [
        ("spec.collection.unknown", 30, 32)
    ]


def test_check_of_an_absent_key_points_to_the_block_around_it() -> None:
    text = "apiVersion: genai.studio/v1\nkind: Project\nmetadata: {name: a}\nspec:\n  application: qna\n"
    found = check(text, HAS)[1]

    assert [(one.code, one.line, one.column) for one in found] == [("spec.knowledge.missing", 4, 1)]


def test_check_of_a_file_that_does_not_fit() -> None:
    assert check("a: 1")[0] is None
