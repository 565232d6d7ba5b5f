"""Workflows of another program in the browser: uploaded, reported on, opened, mended where the findings lead, built and
asked. Of the two shapes that such files come in: a chain to one model, and answers from documents.

The steps build on each other and run in this order.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import Look
from tests.e2e.conftest import Running
from tests.e2e.steps import ask, become_admin, connect, write, written
from tests.fakes.openai_server import FakeOpenAI
from tests.servers.environment import PROJECT

FILES = PROJECT / "tests" / "data" / "imports"
HOURS = "# Opening\n\nThe reading room opens at nine and closes at six.\n"
INDEXED_MS = 60_000


@pytest.fixture(scope="module")
def seen() -> dict[str, str]:
    return {}


def upload(studio: Running, page: Page, name: str) -> Locator:
    """The notes on what becomes of the file."""
    page.goto(f"{studio.url}/projects/import/")
    page.locator("input[type=file]").set_input_files(FILES / name)
    page.get_by_role("button", name="Look at it").click()
    notes = page.get_by_role("region", name="Notes")
    expect(notes).to_be_visible()
    return notes


def choose_model(page: Page) -> None:
    page.locator("[name=connection][value=house]").check()
    page.locator("[name=model_house]").select_option("fake-model")
    page.get_by_role("button", name="Next: Parameters").click()
    page.wait_for_url("**/wizard/parameters/")


def finding(page: Page, words: str) -> Locator:
    return page.get_by_label("Findings").locator(".alert", has_text=words)


def test_a_chain_is_reported_on_before_it_is_made(
    studio: Running, page: Page, look: Look, model_server: FakeOpenAI
) -> None:
    become_admin(studio, page)
    connect(studio, page, "House", model_server.url)
    notes = upload(studio, page, "flowise-conversation.json")
    for sentence in (
        "typical_p (0.95) has no counterpart. It is left out.",
        "presence_penalty (1.03) has no counterpart. It is left out.",
        "Make a connection “tgi” for the model server that answers",
    ):
        expect(notes.get_by_text(sentence)).to_be_visible()
    look("96-import-report")


def test_a_chain_is_opened_and_mended_where_its_finding_leads(
    page: Page, look: Look, seen: dict[str, str]
) -> None:
    page.get_by_role("button", name="Create this project").click()
    expect(page.get_by_text("is imported.")).to_be_visible()
    seen["project"] = page.url
    look("97-imported-project")
    page.goto(seen["project"] + "canvas/")
    expect(page.locator(".react-flow__node")).to_have_count(4)
    page.locator(".problems-head").click()
    look("98-imported-canvas")
    page.locator(".problems-list button", has_text="There is no connection “tgi”").click()
    expect(page.locator("#inspector[data-node=llm]")).to_be_visible()
    page.goto(seen["project"])
    finding(page, "There is no connection “tgi”").get_by_role("link", name="Fix").click()
    page.wait_for_url("**/wizard/model/")
    choose_model(page)
    page.goto(seen["project"])
    expect(finding(page, "tgi")).to_have_count(0)


def test_a_chain_is_built_and_answers(
    page: Page, seen: dict[str, str], model_server: FakeOpenAI
) -> None:
    page.goto(seen["project"] + "wizard/review/")
    page.get_by_role("button", name="Build").click()
    page.wait_for_url("**/sandbox/**")
    assert "Who are you?" in ask(page, "Who are you?")
    sent = model_server.requests[-1].body
    assert (sent["max_tokens"], sent["temperature"], sent["top_p"]) == (17, 0.01, 0.95)
    assert sent["messages"][0] == {"role": "system", "content": "Be kind."}


def test_answers_from_documents_are_reported_on(studio: Running, page: Page, look: Look) -> None:
    notes = upload(studio, page, "flowise-qna.json")
    for sentence in (
        "temprature is read as temperature",
        "This edge names “ghost_3”",
        "A sticky note has no counterpart. It is left out.",
        "Documents are not part of the file.",
    ):
        expect(notes.get_by_text(sentence).first).to_be_visible()
    expect(notes.get_by_text("huggingFaceToken held a secret").first).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("hf_HarbourTokenForTests77")
    look("99-import-report-long")


def test_answers_from_documents_are_opened_and_mended(
    page: Page, look: Look, seen: dict[str, str]
) -> None:
    page.get_by_role("button", name="Create this project").click()
    expect(page.get_by_text("is imported.")).to_be_visible()
    seen["documents"] = page.url
    for words in ("“tgi”", "“tei”", "“tei-reranking”", "no collection “flowise-qna”"):
        expect(finding(page, words)).to_have_count(1)
    page.goto(seen["documents"] + "canvas/")
    expect(page.locator(".react-flow__node", has_text="Rerank")).to_be_visible()
    look("100-imported-documents-canvas", sizes=("wide", "narrow"))

    page.goto(seen["documents"])
    finding(page, "“tgi”").get_by_role("link", name="Fix").click()
    page.wait_for_url("**/wizard/model/")
    choose_model(page)
    page.goto(seen["documents"])
    finding(page, "no collection").get_by_role("link", name="Fix").click()
    page.wait_for_url("**/wizard/knowledge/")
    page.get_by_label("New collection").fill("Flowise qna")
    page.get_by_role("button", name="Create and add documents").click()
    page.wait_for_url("**/wizard/knowledge/**")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    chooser.value.set_files(
        {"name": "hours.md", "mimeType": "text/markdown", "buffer": HOURS.encode()}
    )
    ready = page.locator("#ingest .stat", has_text="Ready").locator(".stat-value")
    expect(ready).to_have_text("1", timeout=INDEXED_MS)


def test_what_no_step_asks_for_is_mended_in_the_file(page: Page, seen: dict[str, str]) -> None:
    page.goto(seen["documents"] + "yaml/")
    begin, embedding, rest = written(page).partition("    embedding:\n")
    retrieve = rest[rest.index("    retrieve:\n") :].partition("    rerank:\n")[0]
    assert embedding
    write(page, begin + retrieve)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.").first).to_be_visible()
    page.goto(seen["documents"])
    expect(page.get_by_label("Findings").locator(".alert-error")).to_have_text([])


def test_answers_from_documents_are_built_and_cite(
    page: Page, look: Look, seen: dict[str, str]
) -> None:
    page.goto(seen["documents"] + "wizard/review/")
    page.get_by_role("button", name="Build").click()
    page.wait_for_url("**/sandbox/**")
    ask(page, "When does the reading room open?")
    page.get_by_role("link", name="Trace").last.click()
    expect(page.locator("#chat-trace")).to_contain_text("hours.md")
    look("101-imported-documents-answer", sizes=("wide", "narrow"))
