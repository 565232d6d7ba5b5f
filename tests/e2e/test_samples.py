"""Every sample, from the gallery to its first answer, with presses alone: nothing is typed and nothing chosen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from apps.projects.samples import SAMPLES, Sample, sample
from tests.e2e.browser import Look, Watch
from tests.e2e.conftest import Running
from tests.e2e.steps import become_admin, connect
from tests.fakes.openai_server import FakeOpenAI
from tests.servers.ports import wait_until

ANSWERED_MS = 30_000


def install(studio: Running, page: Page, one: Sample) -> None:
    """From the gallery to the sandbox of a built version, once its documents are indexed."""
    page.goto(f"{studio.url}/projects/gallery/")
    page.locator(f"#sample-{one.id}").get_by_role("button", name="Install").click()
    page.wait_for_url(lambda url: not url.endswith("/gallery/"))
    if one.collection:
        wait_until(
            lambda: reload(page).get_by_text("no document that is ready").count() == 0,
            what="the documents were not indexed",
        )
    page.get_by_role("main").get_by_role("link", name="Build", exact=True).click()
    page.get_by_role("button", name="Build").click()
    page.wait_for_url("**/sandbox/**")


def reload(page: Page) -> Page:
    page.reload()
    return page


def press(page: Page, text: str) -> None:
    page.get_by_label("Questions to start with").get_by_role("button", name=text).click()


def test_a_connection_is_made(studio: Running, page: Page, model_server: FakeOpenAI) -> None:
    become_admin(studio, page)
    connect(studio, page, "House", model_server.url)


@pytest.mark.parametrize("one", SAMPLES, ids=lambda one: one.id)
def test_a_sample_answers_its_first_question(
    one: Sample, studio: Running, page: Page, look: Look
) -> None:
    install(studio, page, one)
    press(page, one.starters[0])

    reply = page.locator("article.chat-reply[data-status=complete]")
    expect(reply).to_have_count(1, timeout=ANSWERED_MS)
    expect(reply).not_to_have_text("")
    enclosed = page.get_by_role("list", name="Files").get_by_role("listitem")
    expect(enclosed).to_have_count(int(one.starters[0] in one.attached))
    look(f"56-sample-{one.id}", sizes=("wide", "narrow"))


def test_a_question_whose_picture_is_missing_waits_for_one(
    studio: Running, page: Page, watch: Watch
) -> None:
    one = sample("picture-reader")
    install(studio, page, one)
    page.evaluate(
        "for (const one of document.querySelectorAll('[data-enclosed]')) one.dataset.enclosed = '/nowhere.png'"
    )
    watch.allowed = (404,)
    press(page, one.starters[0])

    expect(page.locator("#composer-errors")).to_contain_text("could not be fetched")
    expect(page.get_by_label("Your question")).to_have_value(one.starters[0])
    expect(page.get_by_label("Your question")).to_be_focused()
    expect(page.locator("article")).to_have_count(0)
