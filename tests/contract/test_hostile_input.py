"""No query parameter, field or path part that a person can send makes a page stop on an error of ours."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import create_token
from tests.conftest import _client_of
from tests.contract.addresses import (
    addresses,
    collection,
    dataset,
    make_bench,
    make_run,
    project,
    rows,
    url_of,
    version,
)

__all__ = ["collection", "dataset", "make_bench", "make_run", "project", "rows", "version"]

pytestmark = pytest.mark.django_db(transaction=True)

PARAMETERS = (
    "after", "against", "app", "before", "choose", "dataset", "datasets", "end", "kind", "new", "next", "old",
    "open", "order", "page", "page_size", "q", "run", "runs", "search", "session", "shown", "sort", "start",
    "state", "status", "verdict", "version",
)  # fmt: skip
FIELDS = (
    "api_key", "app", "base_url", "chunk_overlap", "chunk_size", "collections", "dataset", "description", "email",
    "formats", "k", "messages", "metrics", "model", "name", "notes", "password", "profile", "question", "query",
    "rating", "seen", "spec", "temperature", "text", "title", "username", "version", "yaml",
)  # fmt: skip
HOSTILE = {
    "NUL": "a\x00b",
    "huge": "9" * 30,
    "endless": "9" * 5000,
    "negative": "-1",
    "surrogate": "\udcff",
    "other digits": "\u0663\u00b2",
    "quotes": "'\";--<script>",
    "long": "x" * 5000,
}
VALUES = [None, -1, 10**30, "a\x00b", [], [None], {"a": {"b": []}}]


def encoded(text: str) -> str:
    return quote(text, errors="surrogateescape")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_query_breaks_a_page(rows: dict[str, Any], owner: User, admin: User, text: str) -> None:
    query = "&".join(f"{name}={encoded(text)}" for name in PARAMETERS)
    token = create_token(owner, "tests")[1]
    broken = {}

    for address in addresses():
        client = _client_of(admin if address.name.startswith("accounts:") else owner)
        if address.for_programs:
            client = Client(headers={"Authorization": f"Bearer {token}"})
        client.raise_request_exception = False
        if set(address.arguments) & {"token", "slug"}:
            continue
        url = url_of(address, rows).partition("?")[0]
        for headers in ({}, {"HX-Request": "true"}):
            answer = client.get(f"{url}?{query}", headers=headers)
            if answer.status_code >= 500:
                broken[address.name] = answer.status_code

    assert broken == {}


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_no_body_breaks_an_address(rows: dict[str, Any], owner: User, value: Any) -> None:
    """A value of the wrong type in every field of every JSON body, and as the whole body."""
    program = Client(headers={"Authorization": f"Bearer {create_token(owner, 'tests')[1]}"})
    program.raise_request_exception = False
    bodies = [dict.fromkeys(FIELDS, value), value]
    broken = {}

    for address in addresses():
        if address.for_programs and address.name not in {"api:connections_found"}:
            for method in ("patch", "put", "post"):
                for body in bodies:
                    answer = getattr(program, method)(
                        url_of(address, rows), json.dumps(body), content_type="application/json"
                    )
                    if answer.status_code >= 500:
                        broken[address.name, method] = answer.status_code

    assert broken == {}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_form_breaks_a_page(rows: dict[str, Any], owner: User, text: str) -> None:
    browser = _client_of(owner)
    browser.raise_request_exception = False
    form = "&".join(f"{name}={encoded(text)}" for name in (*FIELDS, *PARAMETERS))
    broken = {}

    for address in addresses():
        if address.for_programs or set(address.arguments) & {"token", "slug"}:
            continue
        if address.name.endswith(("logout", "delete", "discover", "revoke_token")):
            continue
        answer = browser.post(
            url_of(address, rows), form, content_type="application/x-www-form-urlencoded"
        )
        if answer.status_code >= 500:
            broken[address.name] = answer.status_code

    assert broken == {}
