"""The YAML editor with completion, hover and findings in place; sharing, copying and tags by mouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import Look, Watch
from tests.e2e.conftest import Running
from tests.e2e.steps import become_admin


@pytest.fixture(scope="module")
def seen() -> dict[str, str]:
    return {}


def test_a_project_to_write(studio: Running, page: Page, seen: dict[str, str]) -> None:
    become_admin(studio, page)
    page.goto(f"{studio.url}/projects/new/")
    page.get_by_label("Title").fill("Travel desk")
    page.get_by_role("button", name="Create and go on").click()
    page.wait_for_url("**/wizard/model/")
    seen["project"] = page.url.partition("wizard/")[0]


def test_the_editor_proposes_what_may_stand_there(
    page: Page, look: Look, seen: dict[str, str]
) -> None:
    page.goto(seen["project"] + "yaml/")
    editor = page.get_by_role("textbox", name="Project file")
    editor.click()
    page.keyboard.press("Control+End")  # lines out of sight are not in the document
    editor.get_by_text("hybrid").first.dblclick()
    page.keyboard.type("l")
    page.keyboard.press("Control+Space")
    expect(page.get_by_role("option", name="lexical")).to_be_visible()
    look("60-yaml-completion")
    page.get_by_role("option", name="lexical").click()
    expect(editor).to_contain_text("mode: lexical")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.").first).to_be_visible()
    editor = page.get_by_role("textbox", name="Project file")
    editor.click()
    page.keyboard.press("Control+End")
    expect(editor).to_contain_text("mode: lexical")
    page.keyboard.press("Control+Home")


def test_a_key_is_explained_under_the_mouse(page: Page) -> None:
    page.get_by_role("textbox", name="Project file").get_by_text("temperature").first.hover()
    expect(page.get_by_text("a number, 0 to 2, default 0.2")).to_be_visible()
    page.mouse.move(5, 5)


def test_findings_stand_in_the_text_and_lead_to_it(page: Page, look: Look, watch: Watch) -> None:
    editor = page.get_by_role("textbox", name="Project file")
    editor.get_by_text("0.9").first.dblclick()
    page.keyboard.type("9")
    finding = page.locator("#findings [data-line]").first
    expect(finding).to_be_visible()
    expect(page.locator(".cm-lintRange-error").first).to_be_visible()
    look("61-yaml-findings-in-place")
    finding.click()
    expect(page.locator(".cm-content")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator("#findings [data-line][data-severity=error]")).to_have_count(1)


def test_tab_leaves_the_editor_after_escape(page: Page) -> None:
    page.locator(".cm-content").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator(".cm-content")).not_to_be_focused()


def test_a_project_gets_tags_is_shared_and_copied(
    studio: Running, page: Page, look: Look, watch: Watch, seen: dict[str, str]
) -> None:
    page.goto(seen["project"] + "wizard/application/")
    page.get_by_label("Tags").fill("Travel, pilot")
    page.get_by_role("button", name="Next: Model").click()
    page.wait_for_url("**/wizard/model/")
    page.goto(f"{studio.url}/projects/?tag=pilot")
    expect(page.get_by_role("link", name="Travel desk")).to_be_visible()
    look("62-projects-by-tag")
    page.goto(seen["project"] + "people/")
    watch.allowed = (422,)
    page.get_by_label("User name or e-mail address").fill("nobody")
    page.get_by_role("button", name="Give the role").click()
    expect(page.get_by_text("There is nobody called").first).to_be_visible()
    look("63-people-of-a-project")
    page.goto(seen["project"])
    page.get_by_role("button", name="Make a copy").click()
    expect(page.get_by_role("heading", name="Travel desk (copy)")).to_be_visible()
