"""No query parameter, field or path part that a person can send makes a page stop on an error of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import create_token
from tests.conftest import _use_broker
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

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

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


OWN_MATERIAL = {"projects:sample"}
"""Posts that read nothing of the form and then index files of ours, which takes longer than all the rest."""


def encoded(text: str) -> str:
    return quote(text, errors="surrogateescape")


class Sender(Client):
    """A client that only sends. Django's own keeps a copy of every template's context, which nobody here
    looks at and which takes longer than many a page."""

    def request(self, **request: Any) -> Any:
        return self.handler(self._base_environ(**request))


def signed_in(user: User) -> Sender:
    client = Sender()
    client.force_login(user)
    return client


@pytest.fixture
def waiting_jobs(
    rows: dict[str, Any], settings: SettingsWrapper
) -> Iterator[Callable[[bool], None]]:
    """`waiting_jobs(True)`: what is started from here on is queued and no more; False runs it at once."""
    _use_broker("memory://")

    def wait(waits: bool) -> None:
        settings.JOBS_MODE = "broker" if waits else "eager"

    yield wait
    _use_broker(None)


def test_no_query_breaks_a_page(rows: dict[str, Any], owner: User, admin: User) -> None:
    """Every text in every parameter; looking changes nothing, so one set of rows serves all of them."""
    program = Sender(headers={"Authorization": f"Bearer {create_token(owner, 'tests')[1]}"})
    people = {one.pk: signed_in(one) for one in (owner, admin)}
    broken = {}

    for kind, text in HOSTILE.items():
        query = "&".join(f"{name}={encoded(text)}" for name in PARAMETERS)
        for address in addresses():
            if set(address.arguments) & {"token", "slug"}:
                continue
            person = admin if address.name.startswith("accounts:") else owner
            client = program if address.for_programs else people[person.pk]
            url = url_of(address, rows).partition("?")[0]
            for headers in ({},) if address.for_programs else ({}, {"HX-Request": "true"}):
                answer = client.get(f"{url}?{query}", headers=headers)
                if answer.status_code >= 500:
                    broken[address.name, kind] = answer.status_code

    assert broken == {}
    assert all("_auth_user_id" in client.session for client in people.values())


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_no_body_breaks_an_address(rows: dict[str, Any], owner: User, value: Any) -> None:
    """A value of the wrong type in every field of every JSON body, and as the whole body."""
    program = Sender(headers={"Authorization": f"Bearer {create_token(owner, 'tests')[1]}"})
    bodies = [dict.fromkeys(FIELDS, value), value]
    broken = {}

    for address in addresses():
        if address.for_programs and address.name not in {"api:connections_found"}:
            for method in ("patch", "put", "post"):
                for body in bodies:
                    answer = getattr(program, method)(
                        url_of(address, rows), json.dumps(body), content_type="application/json"
                    )
                    if answer.status_code == 405:  # which reads no body
                        break
                    if answer.status_code >= 500:
                        broken[address.name, method] = answer.status_code

    assert broken == {}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_form_breaks_a_page(
    rows: dict[str, Any], owner: User, waiting_jobs: Callable[[bool], None], text: str
) -> None:
    browser = signed_in(owner)
    form = "&".join(f"{name}={encoded(text)}" for name in (*FIELDS, *PARAMETERS))
    broken = {}

    for address in addresses():
        if address.for_programs or set(address.arguments) & {"token", "slug"}:
            continue
        if address.name.endswith(("logout", "delete", "discover", "revoke_token")):
            continue
        waiting_jobs(address.name in OWN_MATERIAL)
        answer = browser.post(
            url_of(address, rows), form, content_type="application/x-www-form-urlencoded"
        )
        if answer.status_code >= 500:
            broken[address.name] = answer.status_code

    assert broken == {}
