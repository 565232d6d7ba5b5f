"""The whole way of day 0 through a real browser: describe, feed, try, prove, ship.

The steps build on each other and run in this order.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Look, Watch
from tests.e2e.conftest import WALK_PASSWORD, Running

SAMPLES = Path(__file__).resolve().parents[2] / "apps" / "projects" / "sample_documents"
QUESTION = "How many days of annual leave do I get?"
BUILDING_S = 90_000
"""Room for the first use of the embedding model, whose graph is built once per machine."""


@pytest.fixture(scope="module")
def seen() -> dict[str, str]:
    """What later steps need from earlier ones: addresses and answers."""
    return {}


def test_first_administrator_chooses_a_password(studio: Running, page: Page, look: Look) -> None:
    page.goto(studio.first_admin)
    look("01-first-administrator")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(WALK_PASSWORD)
    page.get_by_label("Password again").fill(WALK_PASSWORD)
    page.get_by_role("button", name="Create and sign in").click()
    expect(page).to_have_url(f"{studio.url}/projects/")
    look("02-projects-empty")


def test_the_link_works_only_once(studio: Running, page: Page, look: Look, watch: Watch) -> None:
    watch.allowed = (404,)
    answer = page.goto(studio.first_admin)
    assert answer is not None and answer.status == 404
    look("03-not-found")


def test_wizard_creates_a_project(
    studio: Running, page: Page, look: Look, seen: dict[str, str]
) -> None:
    page.goto(f"{studio.url}/projects/new/")
    look("04-new-project")
    page.get_by_label("Title").fill("HR helpdesk")
    page.get_by_role("button", name="Create and go on").click()
    page.wait_for_url("**/wizard/model/")
    seen["project"] = page.url.removesuffix("wizard/model/")
    look("05-wizard-model")
    page.get_by_role("button", name="Next: Parameters").click()


def test_wizard_keeps_what_was_typed_when_one_leaves(
    page: Page, look: Look, seen: dict[str, str]
) -> None:
    page.wait_for_url("**/wizard/parameters/")
    page.get_by_label("System instruction").fill("Answer from the handbook only.")
    page.goto(seen["project"])
    look("06-overview")
    page.goto(seen["project"] + "wizard/parameters/")
    expect(page.get_by_label("System instruction")).to_have_value("Answer from the handbook only.")
    look("07-wizard-parameters")
    page.get_by_role("button", name="Next: Knowledge").click()
    page.wait_for_url("**/wizard/knowledge/")


def test_documents_are_uploaded_and_indexed(
    page: Page, look: Look, seen: dict[str, str], tmp_path: Path
) -> None:
    page.get_by_label("New collection").fill("Handbook")
    page.get_by_role("button", name="Create and add documents").click()
    page.wait_for_url("**/wizard/knowledge/**")
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 and then nothing that is one")
    files = [str(path) for path in sorted(SAMPLES.glob("*.md"))] + [str(broken)]
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    chooser.value.set_files(files)
    expect(page.get_by_label("Documents by status")).to_contain_text("Ready", timeout=BUILDING_S)
    ready = page.locator("#ingest .stat", has_text="Ready").locator(".stat-value")
    expect(ready).to_have_text("6", timeout=BUILDING_S)
    expect(page.locator("#ingest .stat", has_text="Refused").locator(".stat-value")).to_have_text(
        "1"
    )
    expect(page.locator("#knowledge-findings")).to_have_text("")
    expect(page.get_by_role("link", name="broken.pdf")).to_be_visible()
    look("08-wizard-knowledge")


def test_deployment_review_and_build(page: Page, look: Look, seen: dict[str, str]) -> None:
    page.get_by_role("button", name="Next: Deployment").click()
    page.wait_for_url("**/wizard/deployment/")
    look("09-wizard-deployment")
    page.get_by_role("button", name="Review", exact=True).click()
    page.wait_for_url("**/wizard/review/")
    look("10-wizard-review")
    page.get_by_role("button", name="Build").click()
    page.wait_for_url("**/sandbox/**")


def test_answer_streams_with_a_citation_that_opens(
    page: Page, look: Look, seen: dict[str, str]
) -> None:
    look("11-sandbox-empty")
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Send").click()
    answer = page.locator("article.chat-reply[data-status=complete]").last
    expect(answer).to_be_visible(timeout=BUILDING_S)
    expect(answer).to_contain_text("28 working days")
    seen["session"] = page.url
    seen["answer"] = answer.locator(".chat-answer").inner_text()
    look("12-sandbox-answer")
    answer.locator(".chat-sources a").first.click()
    quote = page.locator("#chat-passage mark")
    expect(quote).to_be_visible()
    assert quote.inner_text().strip() != ""
    look("13-citation")
    page.get_by_role("button", name="Close").last.click()


def test_reload_shows_the_same_answer(page: Page, seen: dict[str, str]) -> None:
    page.reload()
    expect(page.locator(".chat-answer").last).to_have_text(seen["answer"], use_inner_text=True)
