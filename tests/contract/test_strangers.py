"""Every address of the studio, asked by people who have no right to what lies behind it.

The addresses come from the resolver: one whose arguments are not known fails here until
`tests/contract/addresses.py` says whose rows they name.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps as installed
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import ApiToken, AuditEntry, User
from apps.accounts.services import create_token, disable
from apps.connections.services import create_endpoint
from apps.evaluations.services import create_dataset
from apps.projects.errors import BuildRefused
from apps.projects.models import Project
from apps.projects.services import create_project, save_draft
from apps.projects.version_services import build_version
from tests.apps.evaluations.cases import QUESTIONS, Upload
from tests.conftest import PASSWORD, _client_of
from tests.contract.addresses import (
    MARK,
    Address,
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

PUBLIC = {
    "accounts:first_admin": "a signed link is the right to it",
    "accounts:login": "how people get in",
    "accounts:logout": "harmless without a session",
    "accounts:register": "404 unless an administrator has opened registration",
    "accounts:set_password": "a signed link is the right to it",
    "api:schema": "describes the API, no rows",
    "openai:unknown": "says that there is no such address",
    "projects:schema": "the JSON Schema of a project, no rows",
}
WITHOUT_ROWS = {"catalog:guide", "evaluations:template", "projects:sample_file"}
"""Their arguments name pages and files of the product."""

SHOWN_TO_OWNER = {
    "accounts:tokens",
    "api:collections",
    "api:connections",
    "api:jobs",
    "api:projects",
    "chat:api_sessions",
    "chat:sessions",
    "connections:index",
    "jobs:index",
    "knowledge:index",
    "openai:models",
    "projects:gallery",
    "projects:index",
}
"""Addresses without arguments that show a person what is his."""

METHODS = ("get", "post", "put", "patch", "delete")
OWN = """\
apiVersion: genai.studio/v1
kind: Project
metadata: {name: own, title: Own}
spec:
  application: qna
  model: {connection: own, name: any}
"""
BODY = {"question": "?", "query": "?", "text": "?", "title": "x", "base_revision": 1}
"""Enough for a view that reads the body before it looks for the row."""


GUARDED = [one for one in addresses() if one.name not in {*PUBLIC, *WITHOUT_ROWS}]
OF_ROWS = [one for one in GUARDED if one.arguments]
ALONE = [one for one in GUARDED if not one.arguments]


def send(client: Client, method: str, url: str, **headers: str) -> Any:
    data = {} if method == "get" else {"data": json.dumps(BODY), "content_type": "application/json"}
    return getattr(client, method)(url, headers=headers, **data)


def text_of(response: Any) -> str:
    if response.streaming:
        return ""
    return str(response.content.decode(errors="replace"))


def client_for(address: Address, user: User) -> Client:
    if address.for_programs:
        return Client(headers={"Authorization": f"Bearer {create_token(user, 'tests')[1]}"})
    return _client_of(user)


def everything() -> dict[str, str]:
    """All rows as they are now, but for what signing in and making tokens for these tests adds."""
    return {
        model.__name__: repr(list(model.objects.order_by("pk").values_list(*_fields(model))))
        for app in installed.get_app_configs()
        if app.name.startswith("apps.")
        for model in app.get_models()
        if model not in {ApiToken, AuditEntry}
    }


def _fields(model: Any) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if field.name != "last_login"]


def is_turned_away(address: Address, response: Any, *, htmx: bool) -> bool:
    """Programs get 401, browsers the login page, htmx the same as a header."""
    if address.for_programs:
        return bool(response.status_code == 401)
    login = reverse("accounts:login")
    if htmx:
        return bool(response.headers.get("HX-Redirect", "").startswith(login))
    return response.status_code == 302 and bool(response["Location"].startswith(login))


def test_every_argument_is_known(rows: dict[str, Any]) -> None:
    for address in OF_ROWS:
        url_of(address, rows)


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "htmx"])
def test_stranger_finds_nothing_of_others(rows: dict[str, Any], stranger: User, htmx: bool) -> None:
    before = everything()
    told = {}
    headers = {"HX-Request": "true"} if htmx else {}

    for address in OF_ROWS:
        client, url = client_for(address, stranger), url_of(address, rows)
        answers = [send(client, method, url, **headers) for method in METHODS]
        codes = {answer.status_code for answer in answers}
        if not codes <= {404, 405} or 404 not in codes:
            told[address.name] = [answer.status_code for answer in answers]
        assert not any(MARK in text_of(answer) for answer in answers), address.name

    assert told == {}
    assert everything() == before


def test_owner_finds_all_of_it(rows: dict[str, Any], owner: User, admin: User) -> None:
    """The other half of the proof: the addresses that strangers were refused exist."""
    proven, missing = set(), {}

    for address in OF_ROWS:
        person = admin if "person_id" in address.arguments else owner
        answer = send(client_for(address, person), "get", url_of(address, rows))
        if answer.status_code == 200:
            proven |= {address.head if name == "pk" else name for name in address.arguments}
        elif answer.status_code not in {302, 405, 422}:
            missing[address.name] = answer.status_code

    every = {
        address.head if name == "pk" else name for address in OF_ROWS for name in address.arguments
    }
    assert missing == {}
    # The addresses of these only ever change something.
    assert every - proven == {"token_id", "membership_id", "event_id", "copy_id"}


def test_lists_hold_what_is_one_s_own(rows: dict[str, Any], owner: User, stranger: User) -> None:
    shown, leaked = set(), set()

    for address in ALONE:
        url = url_of(address, rows)
        if MARK in text_of(send(client_for(address, owner), "get", url)):
            shown.add(address.name)
        for headers in ({}, {"HX-Request": "true"}):
            if MARK in text_of(send(client_for(address, stranger), "get", url, **headers)):
                leaked.add(address.name)

    assert shown == SHOWN_TO_OWNER
    assert leaked == set()


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "htmx"])
@pytest.mark.parametrize("who", ["nobody", "disabled"])
def test_the_signed_out_are_sent_to_sign_in(
    rows: dict[str, Any], owner: User, admin: User, who: str, htmx: bool
) -> None:
    """Even the owner of all of it, once his account is shut: session and token end with it."""
    browser = _client_of(owner) if who == "disabled" else Client()
    program = Client()
    if who == "disabled":
        program = Client(headers={"Authorization": f"Bearer {create_token(owner, 'tests')[1]}"})
        disable(user=owner, by=admin)
    before = everything()
    let_in = {}
    headers = {"HX-Request": "true"} if htmx else {}

    for address in GUARDED:
        client = program if address.for_programs else browser
        url = url_of(address, rows)
        for method in METHODS:
            answer = send(client, method, url, **headers)
            assert MARK not in text_of(answer), address.name
            if answer.status_code != 405 and not is_turned_away(address, answer, htmx=htmx):
                let_in[address.name, method] = answer.status_code

    assert let_in == {}
    assert everything() == before


@pytest.mark.parametrize("state", ["expired", "revoked", "wrong"])
def test_token_that_no_longer_works_opens_nothing(
    rows: dict[str, Any], owner: User, state: str
) -> None:
    token, value = create_token(owner, "tests")
    past = timezone.now() - timedelta(seconds=1)
    if state == "wrong":
        value = value[:-1] + ("a" if value[-1] != "a" else "b")
    else:
        field = "expires_at" if state == "expired" else "revoked_at"
        ApiToken.objects.filter(pk=token.pk).update(**{field: past})
    client = Client(headers={"Authorization": f"Bearer {value}"})
    let_in = {}

    for address in GUARDED:
        if address.for_programs:
            for method in METHODS:
                answer = send(client, method, url_of(address, rows))
                if answer.status_code not in {401, 405}:
                    let_in[address.name, method] = answer.status_code

    assert let_in == {}


def test_password_alone_is_no_token(rows: dict[str, Any], owner: User) -> None:
    client = Client()
    assert client.login(username=owner.username, password=PASSWORD)

    assert client.get(reverse("openai:models")).status_code == 401
    assert client.get(reverse("chat:api_sessions")).status_code == 401


@pytest.fixture
def own(stranger: User) -> dict[str, Any]:
    """What a stranger makes himself and then points at things of others from."""
    create_endpoint(owner=stranger, name="own", title="Own", base_url="http://127.0.0.1:9/v1")
    made = create_project(owner=stranger, application="qna", title="Own", name="own")
    save_draft(project=made, yaml=OWN, base_revision=1, by=stranger)
    built = build_version(project=Project.objects.get(pk=made.pk), by=stranger)
    questions = create_dataset(
        project=made, name="Own", file=Upload(QUESTIONS, "own.csv"), by=stranger
    )
    return {"own": made.pk, "own_version": built.pk, "own_dataset": questions.pk}


LOAD = {"mode": "closed", "concurrency": 1, "duration_s": 10, "warmup_s": 0, "max_tokens": 8}
POINTING = [
    ("post", "/projects/{own}/evaluations/start/", {"version": "{own_version}", "dataset": "{dataset_id}"}, 422),
    ("post", "/projects/{own}/evaluations/start/", {"version": "{version}", "dataset": "{own_dataset}"}, 422),
    ("post", "/projects/{own}/benchmarks/start/", {**LOAD, "version": "{version}", "prompts": "?"}, 422),
    ("post", "/projects/{own}/benchmarks/start/", {**LOAD, "version": "{own_version}", "dataset": "{dataset_id}"}, 422),
    ("post", "/projects/{own}/packages/start/", {"version": "{version}"}, 422),
    ("post", "/projects/{own}/wizard/knowledge/", {"collections": "handbook", "size": 800, "overlap": 120, "mode": "hybrid", "k": 6}, 422),
    ("post", "/projects/{own}/wizard/model/", {"connection": "fake", "model_fake": "x"}, 422),
    ("post", "/chat/start/", {"app": "{model}", "text": "?"}, 404),
    ("get", "/chat/", {"app": "{model}"}, 404),
    ("get", "/chat/sessions/", {"app": "{model}"}, 404),
    ("get", "/projects/{own}/sandbox/", {"session": "{session_id}"}, 404),
    ("get", "/projects/{own}/evaluations/compare/", {"run": ["{run_id}", "{run_id}"]}, 404),
    ("get", "/projects/{own}/benchmarks/compare/", {"run": ["{bench}", "{bench}"]}, 404),
    ("api", "/api/v1/projects/{own}/evaluations", {"dataset": "{dataset_id}"}, 404),
    ("api", "/chat/api/sessions/", {"app": "{model}"}, 404),
    ("api", "/v1/chat/completions", {"model": "{model}", "messages": [{"role": "user", "content": "?"}]}, 404),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "data", "status"), POINTING)
def test_things_of_others_cannot_be_named_in_what_one_sends(
    rows: dict[str, Any],
    own: dict[str, Any],
    stranger: User,
    method: str,
    path: str,
    data: dict[str, Any],
    status: int,
) -> None:
    named = {**rows, **own}
    url, values = path.format(**named), _filled(data, named)
    program = Client(headers={"Authorization": f"Bearer {create_token(stranger, 'tests')[1]}"})
    before = everything()

    if method == "api":
        answer = program.post(url, json.dumps(values), content_type="application/json")
    else:
        answer = getattr(_client_of(stranger), method)(url, values)

    assert (answer.status_code, MARK in text_of(answer)) == (status, False)
    ignored = {"Draft"}  # a wizard step keeps what was typed and did not fit
    assert {k: v for k, v in everything().items() if k not in ignored} == {
        k: v for k, v in before.items() if k not in ignored
    }


def test_names_of_others_in_a_document_mean_one_s_own(
    rows: dict[str, Any], own: dict[str, Any], stranger: User
) -> None:
    """Connections and collections are named, and a name is looked up among the project owner's."""
    project = Project.objects.get(pk=own["own"])
    text = OWN.replace("connection: own", "connection: fake").replace(
        "  application: qna", "  application: qna\n  knowledge: {collections: [handbook]}"
    )
    save_draft(project=project, yaml=text, base_revision=project.draft.revision, by=stranger)

    with pytest.raises(BuildRefused) as refused:
        build_version(project=Project.objects.get(pk=own["own"]), by=stranger)

    codes = {finding["code"] for finding in refused.value.as_dict()["findings"]}
    assert codes == {"spec.connection.unknown", "spec.collection.unknown"}


def _filled(value: Any, named: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, named) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, named) for inner in value]
    return value.format(**named) if isinstance(value, str) else value
