"""The exported package on one machine: PostgreSQL with pgvector, Redis, a Celery worker, one web process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.container.composition import Composition
from tests.container.sandbox import QUESTION, Tried, export_to
from tests.container.walk import PASSWORD, Portal

LINK = re.compile(r"http://localhost:\d+/accounts/first/\S+")


@pytest.fixture(scope="module")
def package(tried: Tried, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_to(tmp_path_factory.mktemp("single"), tried)


@pytest.fixture(scope="module")
def running(engine: None, package: Path) -> Iterator[Composition]:
    with Composition(package) as composition:
        yield composition
    print("\nsingle:", {name: f"{value:.1f} s" for name, value in composition.durations.items()})


@pytest.fixture(scope="module")
def portal(running: Composition, browser: Browser) -> Portal:
    return Portal(browser, running.url, "portal")


@pytest.fixture(scope="module")
def admin(running: Composition, portal: Portal) -> Page:
    """The first administrator, by the link that the log shows and the script prints."""
    in_log = LINK.search(running.compose("logs", "--no-log-prefix", "web"))
    printed = LINK.search(running.script("first-admin", "--base", running.url))
    assert in_log
    assert printed
    return portal.first_administrator(printed[0])


@pytest.fixture(scope="module")
def person(portal: Portal, admin: Page) -> Page:
    return portal.sign_in_by_link(portal.add_person(admin, "nurse"))


def test_everything_is_healthy_and_nothing_is_root(running: Composition) -> None:
    services = running.services()

    assert set(services) == {"web", "worker", "db", "redis"}
    assert {row["Health"] for rows in services.values() for row in rows} == {"healthy"}
    for name in ("web", "worker"):
        user = running.compose("exec", "-T", name, "id", "-u").strip()
        assert user == "10001"


def test_root_file_system_is_read_only(running: Composition) -> None:
    probe = "touch /app/probe 2>/dev/null && echo written || echo refused"

    assert running.compose("exec", "-T", "web", "sh", "-c", probe).strip() == "refused"


def test_person_asks_and_gets_the_sandbox_answer(
    portal: Portal, person: Page, tried: Tried
) -> None:
    text = portal.ask(person)
    portal.look(person, "answer")

    shown = portal.sources(person)
    assert len(shown) == len(tried.answer.citations)
    for label, citation in zip(shown, tried.answer.citations, strict=True):
        assert citation.passage.document in label
    quote = portal.open_source(person, 1)
    assert " ".join(quote.split()) in " ".join(tried.answer.citations[0].passage.text.split())
    assert "five days" in text


def test_passages_are_those_of_the_sandbox(running: Composition, tried: Tried) -> None:
    said = running.smoke(QUESTION)

    assert [tuple(row) for row in said["passages"]] == tried.passages
    assert said["answer"] == tried.answer.text


def test_knowledge_was_taken_in_once(running: Composition) -> None:
    count = "from portal.models import *; from apps.knowledge.models import *; "
    count += "print(ImportedKnowledge.objects.count(), Collection.objects.count(), Document.objects.count())"
    running.compose("restart", "web", "worker")
    running.compose("up", "--wait")

    assert running.script("manage", "shell", "--verbosity", "0", "-c", count).split() == [
        "1",
        "1",
        "3",
    ]


def test_administrator_adds_a_document_that_is_found(
    running: Composition, portal: Portal, admin: Page, tmp_path: Path
) -> None:
    """Through the browser, the queue, the worker's engine and pgvector."""
    file = tmp_path / "parking.md"
    file.write_text("# Parking\n\nThe car park behind the laundry is for night shifts only.\n")
    admin.goto(f"{portal.url}/knowledge/")
    portal.look(admin, "knowledge")
    admin.get_by_role("link", name="Staff handbook").first.click()
    with admin.expect_file_chooser() as chooser:
        admin.get_by_role("button", name="Choose files").click()
    chooser.value.set_files(file)
    expect(admin.get_by_text("parking.md").first).to_be_visible(timeout=30_000)

    said = running.smoke("Who may use the car park behind the laundry?")

    assert said["passages"][0][0] == "parking.md"


def test_api_answers_with_a_personal_token(portal: Portal, person: Page, tried: Tried) -> None:
    person.goto(f"{portal.url}/accounts/profile/tokens/")
    person.get_by_label("Name").fill("walk")
    person.locator("main form .btn-primary").first.click()
    token = person.locator("input[value^='pat_']").input_value()
    body = {"model": "app", "messages": [{"role": "user", "content": QUESTION}]}
    headers = {"Authorization": f"Bearer {token}"}

    answer = person.request.post(f"{portal.url}/v1/chat/completions", data=body, headers=headers)
    refused = person.request.post(
        f"{portal.url}/v1/chat/completions", data=body, headers={"Authorization": "Bearer no"}
    )

    assert answer.status == 200
    assert answer.json()["choices"][0]["message"]["content"] == tried.answer.text
    assert refused.status == 401


def test_backup_is_put_back(running: Composition, portal: Portal, admin: Page) -> None:
    running.script("backup", "saved.tar")
    portal.add_person(admin, "latecomer")

    running.script("restore", "saved.tar")

    page = portal.sign_in("nurse")
    expect(page.locator("#composer")).to_be_visible()
    names = running.script(
        "manage", "shell", "--verbosity", "0", "-c",
        "from apps.accounts.models import User; print(*User.objects.values_list('username', flat=True))",
    ).split()  # fmt: skip
    assert "latecomer" not in names


def test_no_password_is_written_anywhere(running: Composition, package: Path) -> None:
    logs = running.compose("logs", "--no-color")
    values = dict(
        line.split("=", 1) for line in (package / ".env").read_text().splitlines() if "=" in line
    )

    for name in ("PORTAL_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        assert len(values[name]) == 48
        assert values[name] not in logs
    assert PASSWORD not in logs


def test_portal_had_no_complaints(portal: Portal, person: Page) -> None:
    assert portal.watch.complaints == []
