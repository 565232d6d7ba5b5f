"""What was is never lost: versions compared in words and on the canvas, an older one restored, two people at once,
a deletion undone, a copy, and a file that goes out and comes back the same.

The steps build on each other and run in this order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.projects.domain.yaml_io import parse, plain
from tests.e2e.browser import Look, Watch
from tests.e2e.conftest import Running
from tests.e2e.drawing import node, saved, selected
from tests.e2e.steps import Program, become_admin, connect, new_project, write, written
from tests.fakes.openai_server import FakeOpenAI


@pytest.fixture(scope="module")
def program(studio: Running, page: Page, model_server: FakeOpenAI) -> Program:
    become_admin(studio, page)
    connect(studio, page, "House", model_server.url)
    return Program(studio, page)


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    return {}


def set_temperature(page: Page, project: str, value: str) -> None:
    page.goto(project + "wizard/parameters/")
    page.get_by_label("Temperature", exact=True).fill(value)
    page.get_by_role("button", name="Next").click()
    page.wait_for_url("**/wizard/knowledge/")


def build(page: Page, project: str, name: str) -> None:
    page.goto(project + "wizard/review/")
    page.get_by_label("Name of the version, optional").fill(name)
    page.get_by_role("button", name="Build").click()
    page.wait_for_url("**/sandbox/**")


def open_inspector_and_retitle(page: Page, name: str, title: str) -> None:
    node(page, name).click()
    selected(page, name).get_by_label("Title").fill(title)


def test_two_versions_are_compared_in_words_and_drawn(
    studio: Running, page: Page, program: Program, look: Look, seen: dict[str, Any]
) -> None:
    project = seen["project"] = new_project(studio, page, "qna", "House rules")
    page.locator("[name=connection][value=house]").check()
    page.locator("[name=model_house]").select_option("fake-model")
    page.get_by_role("button", name="Next: Parameters").click()
    page.wait_for_url("**/wizard/parameters/")
    set_temperature(page, project, "0.3")
    build(page, project, "careful")
    seen["careful"] = program.project(project)["spec"]
    set_temperature(page, project, "0.9")
    page.goto(project + "wizard/safety/")
    page.get_by_label("Personal data, in questions").select_option("mask")
    page.get_by_role("button", name="Next").click()
    page.wait_for_url("**/wizard/deployment/")
    build(page, project, "bold")

    page.goto(project + "versions/")
    page.get_by_role("button", name="Compare the two chosen").click()
    changes = page.get_by_role("region", name="From v1")
    expect(changes).to_contain_text("0.3")
    expect(changes).to_contain_text("0.9")
    expect(page.locator('.node[data-mark="added"]')).to_have_count(1)
    expect(page.locator('.node[data-mark="added"]')).to_contain_text("guard-input")
    look("102-versions-in-words-and-drawn")


def test_an_older_version_is_restored_and_the_draft_comes_back(
    page: Page, program: Program, look: Look, seen: dict[str, Any]
) -> None:
    project = seen["project"]
    set_temperature(page, project, "1.2")
    unbuilt = program.project(project)["spec"]
    page.goto(project + "versions/1/")
    page.get_by_role("button", name="Make it the draft").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("What the draft is now is kept")
    look("103-restore-asked", sizes=("wide", "narrow"))
    dialog.get_by_role("button", name="Make it the draft").click()
    page.wait_for_url("**/wizard/review/")
    assert program.project(project)["spec"] == seen["careful"]

    page.goto(project + "versions/")
    expect(page.get_by_text("A version replaced the draft")).to_be_visible()
    look("104-replaced-draft", sizes=("wide", "narrow"))
    page.get_by_role("button", name="Bring it back").click()
    page.wait_for_url("**/wizard/review/")
    assert program.project(project)["spec"] == unbuilt


def test_two_browsers_at_once_merge_on_the_canvas(
    page: Page, watch: Watch, look: Look, program: Program, seen: dict[str, Any]
) -> None:
    browser = page.context.browser
    assert browser is not None
    elsewhere = browser.new_context(
        viewport={"width": 1440, "height": 900},
        reduced_motion="reduce",
        storage_state=page.context.storage_state(),
    )
    other = elsewhere.new_page()
    watch.attach(other)
    watch.allowed = (409,)
    for who in (page, other):
        who.goto(seen["project"] + "canvas/")
        expect(node(who, "llm")).to_be_visible()
    open_inspector_and_retitle(page, "llm", "Writer of the first")
    open_inspector_and_retitle(other, "llm", "Writer of the second")
    page.keyboard.press("Tab")
    saved(page)
    other.keyboard.press("Tab")
    dialog = other.get_by_role("dialog")
    expect(dialog).to_contain_text("Both of you changed this")
    expect(dialog).to_contain_text("Writer of the first")
    expect(dialog).to_contain_text("Writer of the second")
    dialog.get_by_role("button", name="All of mine").click()
    dialog.get_by_role("button", name="Save this").click()
    saved(other)
    elsewhere.close()
    page.reload()
    expect(node(page, "llm")).to_contain_text("Writer of the second")


def test_two_browsers_at_once_choose_on_the_yaml_page(
    page: Page, program: Program, watch: Watch, look: Look, seen: dict[str, Any]
) -> None:
    page.goto(seen["project"] + "yaml/")
    before = written(page)
    program.set(seen["project"], parameters__top_k=33)
    watch.allowed = (409,)
    write(page, before.replace("temperature: 1.2", "temperature: 1.4"))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Changed somewhere else")).to_be_visible()
    expect(page.get_by_role("region", name="From what is saved to yours")).to_contain_text("1.4")
    look("105-conflict-of-files")
    page.get_by_role("button", name="Keep mine").click()
    expect(page.get_by_text("Saved.").first).to_be_visible()
    parameters = program.project(seen["project"])["spec"]["spec"]["parameters"]
    assert (parameters["temperature"], parameters["top_k"]) == (1.4, 40)


def test_a_copy_has_the_same_specification(
    page: Page, program: Program, seen: dict[str, Any]
) -> None:
    page.goto(seen["project"])
    page.get_by_role("button", name="Make a copy").click()
    expect(page.get_by_role("heading", name="House rules (copy)")).to_be_visible()
    first, second = (program.project(one)["spec"] for one in (seen["project"], page.url))
    assert first["spec"] == second["spec"]
    assert first["metadata"]["name"] != second["metadata"]["name"]


def test_a_file_goes_out_and_comes_back_the_same(
    studio: Running, page: Page, program: Program, seen: dict[str, Any], tmp_path: Path
) -> None:
    page.goto(seen["project"] + "yaml/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    text = file.read_text(encoding="utf-8")
    assert text == program.yaml(seen["project"])

    page.goto(f"{studio.url}/projects/import/")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("button", name="Create this project").click()
    expect(page.get_by_text("is imported.")).to_be_visible()
    told = program.project(page.url)["spec"]
    spec, _ = parse(text)
    assert spec is not None
    assert told["spec"] == plain(spec)["spec"]

    set_temperature(page, seen["project"], "0.1")
    page.goto(seen["project"] + "yaml/")
    page.get_by_role("button", name="Upload").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("YAML file").set_input_files(file)
    dialog.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("Saved.").first).to_be_visible()
    assert program.yaml(seen["project"]) == text


def test_a_deletion_is_undone_also_after_a_reload(
    studio: Running, page: Page, program: Program, look: Look, seen: dict[str, Any]
) -> None:
    before = program.project(seen["project"])["spec"]
    page.goto(seen["project"])
    page.get_by_role("button", name="Delete this project").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("You can restore them for 30 days")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url(f"{studio.url}/projects/")
    page.reload()
    page.get_by_text("Recently deleted").click()
    look("106-recently-deleted")
    page.get_by_role("button", name="Restore House rules", exact=True).click()
    expect(page.get_by_role("heading", name="House rules").first).to_be_visible()
    assert program.project(seen["project"])["spec"] == before
    page.goto(seen["project"] + "versions/")
    expect(page.get_by_role("link", name="careful")).to_be_visible()
