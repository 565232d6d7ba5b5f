"""/api/v1/openapi.json says what the API is, completely and truly."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

PREFIX = "/api/v1"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    from drf_spectacular.generators import SchemaGenerator

    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]


def test_document_is_valid_and_made_without_a_warning() -> None:
    GENERATOR_STATS.reset()
    call_command(
        "spectacular", "--fail-on-warn", "--validate", stdout=io.StringIO(), stderr=io.StringIO()
    )


def test_document_is_served_to_everybody(db: None) -> None:
    answer = Client().get(f"{PREFIX}/openapi.json")

    assert answer.status_code == 200
    validate_schema(answer.json())
    assert answer.json()["info"]["title"] == "GenAI Studio"


def test_every_address_is_documented(document: dict[str, Any]) -> None:
    served = set()
    for pattern in next(
        p for p in get_resolver().url_patterns if getattr(p, "namespace", "") == "api"
    ).url_patterns:
        if isinstance(pattern, URLPattern) and pattern.name and pattern.name != "schema":
            served.add(re.sub(r"<\w+:(\w+)>", "{}", f"{PREFIX}/{pattern.pattern}"))
    documented = {re.sub(r"\{\w+\}", "{}", path) for path in document["paths"]}

    assert documented == served


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    silent = [name for name, operation in operations(document) if not operation.get("summary")]

    assert silent == []


def test_every_operation_may_answer_with_a_problem(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        content = operation["responses"]["default"]["content"]
        assert list(content) == ["application/problem+json"], name


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]

    assert len(ids) == len(set(ids))


def test_keys_are_nowhere_in_an_answer(document: dict[str, Any]) -> None:
    """`api_key` is written and never read."""
    leaking = [
        name
        for name, schema in document["components"]["schemas"].items()
        if "api_key" in schema.get("properties", {}) and not name.endswith("Request")
    ]

    assert leaking == []
