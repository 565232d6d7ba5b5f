"""Every address of a shared project, asked by its viewer, its editor and its owner.

Who may do what stands in `apps/projects/enums.py`; here stands only what each address does. An
address that changes something and is not named here fails.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import Resolver404, resolve, reverse

from apps.accounts.models import User
from apps.accounts.services import create_token
from apps.jobs.enums import JobStatus
from apps.jobs.models import Job
from apps.projects.enums import Act, Role
from apps.projects.models import Membership, SpecVersion
from apps.projects.queries import role_of
from apps.projects.services import delete_project
from tests.apps.evaluations.cases import QUESTIONS, Upload
from tests.conftest import _client_of
from tests.contract.addresses import (
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
from tests.contract.test_strangers import (
    BODY,
    METHODS,
    OF_ROWS,
    WITHOUT_ROWS,
    client_for,
    everything,
    send,
    text_of,
)

__all__ = ["collection", "dataset", "make_bench", "make_run", "project", "rows", "version"]

pytestmark = pytest.mark.django_db(transaction=True)

OF_A_PROJECT = {
    "benchmarks",
    "dataset_id",
    "datasets",
    "evaluations",
    "export_id",
    "model",
    "packages",
    "project_id",
    "projects",
    "run_id",
}
"""Arguments that name a project or something in one; all others name what is one person's own."""

DOES = {
    Act.LOOK: {"projects:check post", "projects:inspector post"},
    Act.TRY: {"api:project_ask post", "projects:clone post"},
    Act.CHANGE: {
        "api:project patch",
        "api:project_yaml put",
        "api:version patch",
        "api:version_restore post",
        "projects:bring_back post",
        "projects:canvas_save post",
        "projects:collect post",
        "projects:revert post",
        "projects:run_node post",
        "projects:version post",
        "projects:wizard post",
        "projects:yaml post",
    },
    Act.BUILD: {"api:project_build post", "projects:build post"},
    Act.PROVE: {
        "api:benchmark delete",
        "api:dataset delete",
        "api:evaluation delete",
        "api:project_benchmarks post",
        "api:project_datasets post",
        "api:project_evaluations post",
        "benchmarks:delete post",
        "benchmarks:start get",
        "benchmarks:start post",
        "evaluations:delete post",
        "evaluations:delete_dataset post",
        "evaluations:start get",
        "evaluations:start post",
        "evaluations:upload get",
        "evaluations:upload post",
    },
    Act.SHIP: {
        "api:package delete",
        "api:package_download get",
        "api:project_packages post",
        "packages:delete post",
        "packages:download get",
        "packages:start post",
    },
    Act.SHARE: {"projects:people post", "projects:unshare post"},
    Act.DELETE: {"api:project delete", "projects:delete post"},
}
"""What each address does with the project. Of those that are not here, GET is a look."""
OF_DELETED = {"projects:restore"}

SHARED = [
    one
    for one in addresses()
    if one.name not in WITHOUT_ROWS | OF_DELETED
    and {one.head if name == "pk" else name for name in one.arguments} & OF_A_PROJECT
]
OWN = [one for one in OF_ROWS if one not in SHARED]
ASYNC = {"api:project_ask"}
"""Answered on other threads, which a transaction of the test would keep waiting."""


def act_of(address: Address, method: str) -> Act:
    wanted = f"{address.name} {method}"
    return next((act for act, names in DOES.items() if wanted in names), Act.LOOK)


def body_of(address: Address, method: str, rows: dict[str, Any]) -> dict[str, Any]:
    """What the API is sent so that it does what it is asked; pages get by with less."""
    load = {"mode": "closed", "concurrency": 1, "duration_s": 10, "warmup_s": 0, "max_tokens": 8}
    bodies = {
        "api:project patch": {"set": {"metadata.title": "x"}, "base_revision": rows["revision"]},
        "api:project_yaml put": {"yaml": rows["yaml"], "base_revision": rows["revision"]},
        "api:project_ask post": {"question": "?"},
        "api:project_benchmarks post": {"profile": load | {"prompts": ["?"]}},
        "api:project_build post": {"name": "x"},
        "api:project_evaluations post": {"dataset": str(rows["datasets"])},
        "api:project_packages post": {"include": "none"},
        "api:version patch": {"name": "x"},
    }
    return bodies.get(f"{address.name} {method}", BODY)


class Asker:
    """One person with browser and token, whose changes are taken back after each answer."""

    def __init__(self, person: User, rows: dict[str, Any]) -> None:
        token = create_token(person, "tests")[1]
        self.browser = _client_of(person)
        self.program = Client(headers={"Authorization": f"Bearer {token}"})
        self.browser.raise_request_exception = self.program.raise_request_exception = False
        self.rows = rows

    def __call__(self, address: Address, method: str) -> Any:
        if address.name in ASYNC:
            return self._sent(address, method)
        with transaction.atomic():
            answer = self._sent(address, method)
            transaction.set_rollback(True)
        return answer

    def _sent(self, address: Address, method: str) -> Any:
        url, body = url_of(address, self.rows), body_of(address, method, self.rows)
        client = self.program if address.for_programs else self.browser
        if method == "get":
            return client.get(url)
        if not address.for_programs:
            return getattr(client, method)(url, body)
        if address.name == "api:project_datasets":
            return getattr(client, method)(url, {"name": "x", "file": Upload(QUESTIONS, "x.csv")})
        return getattr(client, method)(url, json.dumps(body), content_type="application/json")


@pytest.fixture(params=Role.values)
def person(
    request: pytest.FixtureRequest, owner: User, teammate: User, version: SpecVersion
) -> User:
    role = Role(request.param)
    if role is Role.OWNER:
        return owner
    Membership.objects.create(project=version.project, user=teammate, role=role)
    return teammate


def test_each_role_may_do_what_the_table_says_and_no_more(
    rows: dict[str, Any], version: SpecVersion, person: User
) -> None:
    role, draft = role_of(person, version.project), version.project.draft
    ask = Asker(person, rows | {"revision": draft.revision, "yaml": draft.yaml})
    before = everything()
    wrong = {}

    for address in SHARED:
        for method in METHODS:
            answer = ask(address, method)
            code, act = answer.status_code, act_of(address, method)
            if code == 405:
                continue
            if act is Act.LOOK and method != "get" and f"{address.name} post" not in DOES[act]:
                wrong[address.name, method] = "it is not said here what this does"
            elif role.may(act) and not (200 <= code < 400 or code == 422):
                wrong[address.name, method] = f"{code}: {text_of(answer)[:200]}"
            elif not role.may(act) and (code != 403 or " takes the role " not in text_of(answer)):
                wrong[address.name, method] = f"not refused: {code}"

    assert wrong == {}
    assert everything() == before


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_what_is_refused_or_only_looked_at_changes_nothing(
    rows: dict[str, Any], version: SpecVersion, teammate: User, role: Role
) -> None:
    """The same once more with nothing taken back. The wizard remembers where its editors are."""
    Membership.objects.create(project=version.project, user=teammate, role=role)
    clients: dict[bool, Client] = {}
    before = everything()

    for address in SHARED:
        client = clients.setdefault(address.for_programs, client_for(address, teammate))
        for method in METHODS:
            act = act_of(address, method)
            if not role.may(act) or (act is Act.LOOK and role is Role.VIEWER):
                send(client, method, url_of(address, rows))

    after = everything()
    assert [name for name, kept in before.items() if after[name] != kept] == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_what_is_one_s_own_stays_so_in_a_shared_project(
    rows: dict[str, Any], version: SpecVersion, teammate: User, role: Role
) -> None:
    """Conversations, jobs, collections and connections of its owner, whatever one may do with it."""
    Membership.objects.create(project=version.project, user=teammate, role=role)
    before = everything()
    told = {}

    for address in OWN:
        client = client_for(address, teammate)
        answers = [send(client, method, url_of(address, rows)) for method in METHODS]
        codes = {answer.status_code for answer in answers}
        if not codes <= {404, 405}:
            told[address.name] = codes

    assert told == {}
    assert everything() == before


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_pages_offer_nothing_that_would_be_refused(
    rows: dict[str, Any], version: SpecVersion, teammate: User, role: Role
) -> None:
    own = Membership.objects.create(project=version.project, user=teammate, role=role)
    leave = reverse("projects:unshare", args=[own.project_id, own.pk])
    Job.objects.update(status=JobStatus.SUCCEEDED)
    browser = _client_of(teammate)
    offered = {}

    for address in SHARED:
        if not address.for_programs and role.may(act_of(address, "get")):
            html = text_of(browser.get(url_of(address, rows)))
            for name, method in offers(html.replace(leave, "")):
                act = next(
                    (act for act, names in DOES.items() if f"{name} {method}" in names), None
                )
                if act and not role.may(act):
                    offered[address.name] = name

    assert offered == {}


def offers(html: str) -> set[tuple[str, str]]:
    """The addresses that links, forms and htmx of a page lead to, with their methods."""
    posts = re.findall(r'method="post" action="([^"#?]*)', html) + re.findall(
        r'hx-post="([^"#?]*)', html
    )
    links = [("get", url) for url in re.findall(r'href="(/[^"#?]*)', html)]
    found = set()
    for method, url in [*links, *(("post", url) for url in posts)]:
        with contextlib.suppress(Resolver404):
            found.add((resolve(url).view_name, method))
    return found


def test_a_deleted_project_is_there_for_its_owner_alone(
    rows: dict[str, Any], version: SpecVersion, owner: User, teammate: User
) -> None:
    Membership.objects.create(project=version.project, user=teammate, role=Role.EDITOR)
    delete_project(project=version.project, by=owner)
    browser = _client_of(teammate)
    restore = reverse("projects:restore", args=[version.project_id])

    answers = {
        address.name: browser.get(url_of(address, rows)).status_code
        for address in SHARED
        if not address.for_programs
    }

    assert set(answers.values()) <= {404, 405}
    assert browser.post(restore).status_code == 404
    assert _client_of(owner).post(restore).status_code == 302


def test_every_address_that_is_named_here_exists() -> None:
    known = {f"{address.name} {method}" for address in SHARED for method in METHODS}

    assert set().union(*DOES.values()) - known == set()
