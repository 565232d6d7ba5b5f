"""Values that do not fit are marked while a person types on, and unmarked once they fit."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.browser import Look
from tests.e2e.conftest import Running
from tests.e2e.steps import become_admin, new_project


def test_a_field_is_marked_and_mended_in_place(studio: Running, page: Page, look: Look) -> None:
    become_admin(studio, page)
    page.goto(f"{new_project(studio, page, 'qna', 'Helpdesk')}wizard/parameters/")
    unfit, other = page.locator("#wizard_temperature"), page.locator("#wizard_instruction")
    said = page.locator("#wizard_temperature_errors")

    other.fill("")
    unfit.fill("9")
    other.press_sequentially("Be brief, and say")
    expect(unfit).to_have_attribute("aria-invalid", "true")
    expect(said).to_contain_text("It must be")
    other.press_sequentially(" where it stands.")

    expect(other).to_be_focused()
    expect(other).to_have_value("Be brief, and say where it stands.")
    expect(unfit).to_have_value("9")
    look("unfit-field")

    unfit.fill("0.4")
    unfit.press("Tab")
    expect(unfit).not_to_have_attribute("aria-invalid", "true")
    expect(said).to_be_empty()
    expect(page.locator("#saved")).to_have_text("Saved")


def test_a_group_of_choices_is_marked_too(studio: Running, page: Page) -> None:
    page.goto(f"{page.url.partition('wizard/')[0]}wizard/deployment/")
    formats = page.locator("[name=formats]")

    formats.uncheck()
    expect(formats).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#wizard_formats_errors")).to_contain_text("Choose at least one format.")

    formats.check()
    expect(formats).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#wizard_formats_errors")).to_be_empty()
