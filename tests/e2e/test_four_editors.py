"""One project edited in turn by wizard, YAML page, canvas and API; after each the other three say the same.

The steps build on each other and run in this order.
"""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from apps.projects.domain.blueprints import flow_of
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.yaml_io import parse, plain
from tests.e2e.browser import Look
from tests.e2e.conftest import Running
from tests.e2e.drawing import node, saved, selected
from tests.e2e.steps import Program, become_admin, connect, new_project, write, written
from tests.fakes.openai_server import FakeOpenAI

COMMENTS = [
    "# Reviewed with the works council.",
    "# Not above 1: legal asked for it.",
    "# as measured in spring",
]


@pytest.fixture(scope="module")
def seen() -> dict[str, str]:
    return {}


@pytest.fixture(scope="module")
def program(studio: Running, page: Page) -> Program:
    become_admin(studio, page)
    return Program(studio, page)


def seen_in_all(
    page: Page, program: Program, project: str, *, temperature: str, top_p: str, top_k: str
) -> ProjectSpec:
    """The whole document in each editor, and the three values in the fields that a person would look at."""
    told = program.project(project)["spec"]

    page.goto(project + "yaml/")
    typed = written(page)
    spec, found = parse(typed)
    assert spec is not None, found
    assert plain(spec) == told
    assert typed == program.yaml(project)
    assert [comment for comment in COMMENTS if comment not in typed] == []

    page.goto(project + "wizard/parameters/")
    expect(page.get_by_label("Temperature", exact=True)).to_have_value(temperature)
    expect(page.get_by_label("Top-p", exact=True)).to_have_value(top_p)
    expect(page.get_by_label("Top-k", exact=True)).to_have_value(top_k)
    previewed, _ = parse(page.locator("#preview .yaml-preview pre").inner_text())
    assert previewed == spec

    page.goto(project + "canvas/")
    expect(page.locator(".react-flow__node")).to_have_count(len(flow_of(spec).nodes))
    drawn = json.loads(page.locator("#canvas-document").text_content() or "")
    flow = flow_of(spec).model_dump(mode="json", by_alias=True)
    assert (drawn["nodes"], drawn["edges"]) == (flow["nodes"], flow["edges"])
    node(page, "llm").click()
    side = selected(page, "llm")
    expect(side.get_by_label("Top-p", exact=True)).to_have_value(top_p)
    expect(side.get_by_label("Top-k", exact=True)).to_have_value(top_k)
    own = {one.id: one.params for one in flow_of(spec).nodes}["llm"]
    shown = str(own.get("temperature", temperature))
    expect(side.get_by_label("Temperature", exact=True)).to_have_value(shown)
    return spec


def test_the_wizard_begins(
    studio: Running, page: Page, program: Program, model_server: FakeOpenAI, seen: dict[str, str]
) -> None:
    connect(studio, page, "House", model_server.url)
    seen["project"] = new_project(studio, page, "qna", "Works council desk")
    page.locator("[name=connection][value=house]").check()
    page.locator("[name=model_house]").select_option("fake-model")
    page.get_by_role("button", name="Next: Parameters").click()
    page.wait_for_url("**/wizard/parameters/")
    page.get_by_label("Temperature", exact=True).fill("0.6")
    page.get_by_role("button", name="Next: Knowledge").click()
    page.wait_for_url("**/wizard/knowledge/")
    assert program.project(seen["project"])["spec"]["spec"]["parameters"]["temperature"] == 0.6


def test_the_yaml_page_sets_a_value_and_adds_comments(
    page: Page, program: Program, look: Look, seen: dict[str, str]
) -> None:
    page.goto(seen["project"] + "yaml/")
    lines = written(page).rstrip("\n").split("\n")
    lines = [f"{line}  {COMMENTS[2]}" if "top_k:" in line else line for line in lines]
    lines = [line.replace("top_p: 0.9", "top_p: 0.8") for line in lines]
    at = next(index for index, line in enumerate(lines) if "temperature: 0.6" in line)
    lines.insert(at, "    " + COMMENTS[1])
    write(page, "\n".join([COMMENTS[0], *lines, ""]))
    look("90-yaml-with-comments", sizes=("wide", "narrow"))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.").first).to_be_visible()

    spec = seen_in_all(page, program, seen["project"], temperature="0.6", top_p="0.8", top_k="40")
    assert spec.spec.parameters.top_p == 0.8


def test_the_wizard_edits_what_has_comments(
    page: Page, program: Program, seen: dict[str, str]
) -> None:
    page.goto(seen["project"] + "wizard/parameters/")
    page.get_by_label("Temperature", exact=True).fill("0.7")
    page.get_by_label("Top-k", exact=True).fill("25")
    page.get_by_role("button", name="Next: Knowledge").click()
    page.wait_for_url("**/wizard/knowledge/")

    spec = seen_in_all(page, program, seen["project"], temperature="0.7", top_p="0.8", top_k="25")
    assert spec.spec.flow is None


def test_the_canvas_gives_one_node_a_value_of_its_own(
    page: Page, program: Program, look: Look, seen: dict[str, str]
) -> None:
    page.goto(seen["project"] + "canvas/")
    node(page, "llm").click()
    side = selected(page, "llm")
    side.get_by_label("Temperature", exact=True).fill("0.95")
    side.get_by_label("Temperature", exact=True).press("Tab")
    expect(side.locator("[data-own]")).to_have_count(1)
    look("91-canvas-value-of-its-own", sizes=("wide", "narrow"))
    saved(page)

    spec = seen_in_all(page, program, seen["project"], temperature="0.7", top_p="0.8", top_k="25")
    assert spec.spec.flow is not None
    page.goto(seen["project"] + "wizard/review/")
    expect(page.get_by_label("Preview")).to_contain_text("temperature: 0.95")


def test_the_api_sets_values(page: Page, program: Program, seen: dict[str, str]) -> None:
    program.set(
        seen["project"], parameters__top_p=0.65, parameters__top_k=12, metadata__tags=["council"]
    )

    spec = seen_in_all(page, program, seen["project"], temperature="0.7", top_p="0.65", top_k="12")
    assert spec.metadata.tags == ("council",)


def test_the_canvas_takes_its_value_back_and_the_wizard_rules_again(
    page: Page, program: Program, look: Look, seen: dict[str, str]
) -> None:
    page.goto(seen["project"] + "canvas/")
    node(page, "llm").click()
    side = selected(page, "llm")
    side.get_by_role("button", name="Use the project’s Temperature").click()
    expect(side.locator("[data-own]")).to_have_count(0)
    saved(page)

    spec = seen_in_all(page, program, seen["project"], temperature="0.7", top_p="0.65", top_k="12")
    assert spec.spec.flow is None
