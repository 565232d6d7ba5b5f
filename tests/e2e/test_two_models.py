"""A switch that sends questions to one of two models: drawn with the mouse, built and asked; then drawn again with
the keyboard alone, and both are the same.

The steps build on each other and run in this order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.browser import Look
from tests.e2e.conftest import Running
from tests.e2e.drawing import drag, node, port, saved, selected, tab_to, wires
from tests.e2e.steps import Program, ask, become_admin, connect, new_project
from tests.fakes.openai_server import Behaviour, FakeOpenAI

ADDED = ["switch", "prompt", "llm", "join"]
PLACES = {
    "switch": (0.25, 0.75),
    "prompt": (0.45, 0.85),
    "llm": (0.62, 0.85),
    "join": (0.85, 0.7),
}
"""Where on the drawing surface each is dropped, in parts of its width and height."""
STARTER = ["llm.answer > answer.answer", "question.question > prompt.question"]
"""What a new flow has, and this one has not."""
WIRES = [
    ("question.question", "switch.text"),
    ("switch.first", "prompt.question"),
    ("switch.otherwise", "prompt-2.question"),
    ("prompt-2.messages", "llm-2.messages"),
    ("llm.answer", "join.first"),
    ("llm-2.answer", "join.second"),
    ("join.answer", "answer.answer"),
]
INVOICES = ["invoice", "refund"]


@pytest.fixture(scope="module")
def careful() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(Behaviour(ttft_ms=20, itl_ms=5, reply="The careful model answers.")) as server:
        yield server


@pytest.fixture(scope="module")
def quick() -> Iterator[FakeOpenAI]:
    with FakeOpenAI(Behaviour(ttft_ms=20, itl_ms=5, reply="The quick model answers.")) as server:
        yield server


@pytest.fixture(scope="module")
def program(studio: Running, page: Page, careful: FakeOpenAI, quick: FakeOpenAI) -> Program:
    become_admin(studio, page)
    connect(studio, page, "Careful", careful.url)
    connect(studio, page, "Quick", quick.url)
    return Program(studio, page)


@pytest.fixture(scope="module")
def seen() -> dict[str, str]:
    return {}


def wire(page: Page, name: str) -> Locator:
    return page.locator(f'.react-flow__edge[data-id="{name}"]')


def test_the_switch_is_drawn_with_the_mouse(
    studio: Running, page: Page, program: Program, look: Look, seen: dict[str, str]
) -> None:
    page.set_viewport_size({"width": 1920, "height": 1000})
    seen["mouse"] = new_project(studio, page, "custom", "Drawn with the mouse")
    stage = page.locator(".react-flow")
    box = stage.bounding_box()
    assert box is not None
    for component in ADDED:
        x, y = PLACES[component]
        page.locator(f'[data-component="{component}"]').drag_to(
            stage, target_position={"x": box["width"] * x, "y": box["height"] * y}
        )
        expect(page.locator(".react-flow__node.selected")).to_have_count(1)
        page.get_by_role("button", name="Close the inspector").click()
        expect(page.locator("#canvas-side[data-filled]")).to_have_count(0)
    expect(page.locator(".react-flow__node")).to_have_count(8)
    for name in STARTER:
        wire(page, name).locator(".react-flow__edge-interaction").click()
        page.keyboard.press("Delete")
        expect(wire(page, name)).to_have_count(0)
    page.get_by_role("button", name="Arrange").click()
    expect(page.locator("#canvas-said")).to_contain_text("Arranged")
    page.get_by_role("button", name="Show all").click()
    for start, end in WIRES:
        drag(page, port(page, start), port(page, end))
        expect(wire(page, f"{start} > {end}")).to_have_count(1)
    page.get_by_role("button", name="Arrange").click()
    saved(page)
    seen["wires"] = "\n".join(wires(page))


def test_the_inspector_sets_the_condition_and_both_models(page: Page, look: Look) -> None:
    node(page, "switch").click()
    side = selected(page, "switch")
    side.get_by_label("First way").fill("\n".join(INVOICES))
    side.get_by_label("First way").press("Tab")
    expect(side.locator("[data-own]")).to_have_count(1)
    look("92-canvas-switch")
    page.set_viewport_size({"width": 1920, "height": 1000})
    for name, connection in (("llm", "Careful"), ("llm-2", "Quick")):
        page.get_by_role("button", name="Close the inspector").click()
        page.get_by_role("button", name="Show all").click()
        node(page, name).click()
        side = selected(page, name)
        side.get_by_label("Connection").select_option(label=connection)
        expect(side.locator("[data-own]")).to_have_count(1)
        side.get_by_label("Model", exact=True).fill("fake-model")
        side.get_by_label("Model", exact=True).press("Tab")
        expect(side.locator("[data-own]")).to_have_count(2)
    saved(page)
    expect(page.locator(".problems-head")).to_contain_text("No problems")


def test_each_branch_answers_with_its_own_model(page: Page, look: Look) -> None:
    page.get_by_role("button", name="Try it").click()
    page.wait_for_url("**/sandbox/**")
    assert ask(page, "Where is my invoice?") == "The careful model answers."
    assert ask(page, "When do you open?") == "The quick model answers."
    page.get_by_role("link", name="Trace").last.click()
    skipped = page.locator("#chat-trace .chat-node-skipped")
    expect(skipped).to_have_count(2)
    look("93-sandbox-two-models", sizes=("wide", "narrow"))


def test_the_last_run_shows_which_branch_was_taken(
    page: Page, look: Look, seen: dict[str, str]
) -> None:
    page.goto(seen["mouse"] + "canvas/")
    expect(node(page, "llm-2").locator(".node-run")).to_contain_text("tokens")
    expect(node(page, "llm").locator(".node-run")).to_have_count(0)
    look("94-canvas-branch-taken", sizes=("wide",))


def test_the_same_is_drawn_with_the_keyboard_alone(
    studio: Running, page: Page, program: Program, look: Look, seen: dict[str, str]
) -> None:
    keys = Keys(page)
    page.goto(f"{studio.url}/projects/new/")
    keys.fill(page.get_by_label("Title"), "Drawn with the keyboard")
    keys.choose(page.locator("[name=application]:checked"), page.locator("[value=custom]"))
    keys.press(page.get_by_role("button", name="Create and go on"))
    page.wait_for_url("**/canvas/")
    seen["keyboard"] = page.url.removesuffix("canvas/")
    expect(page.locator(".react-flow__node")).to_have_count(4)
    for component in ADDED:
        keys.add(component)
    expect(page.locator(".react-flow__node")).to_have_count(8)
    for name in STARTER:
        tab_to(page, wire(page, name))
        page.keyboard.press("Enter")
        page.keyboard.press("Delete")
        expect(wire(page, name)).to_have_count(0)
    for start, end in WIRES:
        keys.connect(start, end)
    keys.inspect("switch")
    keys.write("switch", "First way", "\n".join(INVOICES), own=1)
    for name, connection in (("llm", "Careful"), ("llm-2", "Quick")):
        keys.inspect(name)
        keys.pick(name, "Connection", connection)
        keys.write(name, "Model", "fake-model", own=2)
    saved(page)
    look("95-canvas-by-keyboard")
    assert wires(page) == seen["wires"].split("\n")


def test_both_are_the_same(program: Program, seen: dict[str, str]) -> None:
    first, second = (described(program, seen[name]) for name in ("mouse", "keyboard"))

    assert first == second


def test_what_the_keyboard_drew_answers_too(page: Page) -> None:
    tab_to(page, page.get_by_role("button", name="Try it"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/sandbox/**")
    assert ask(page, "I want a refund.") == "The careful model answers."


def described(program: Program, project: str) -> dict[str, Any]:
    """The specification without name and layout; of the order of nodes and wires nothing depends."""
    spec: dict[str, Any] = program.project(project)["spec"]["spec"]
    flow = spec["flow"]
    return {
        **spec,
        "layout": {},
        "flow": {
            "nodes": sorted(flow["nodes"], key=lambda one: one["id"]),
            "edges": sorted(flow["edges"], key=lambda one: (one["from"], one["to"])),
        },
    }


class Keys:
    """Hands on the keyboard: Tab to a place, then its keys."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, place: Locator) -> None:
        tab_to(self.page, place)
        self.page.keyboard.press("Enter")

    def fill(self, place: Locator, text: str) -> None:
        tab_to(self.page, place)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def choose(self, chosen: Locator, wanted: Locator) -> None:
        """Arrow keys walk through radio buttons, of which Tab reaches the one that is chosen."""
        tab_to(self.page, chosen)
        for _ in range(12):
            if wanted.is_checked():
                return
            self.page.keyboard.press("ArrowRight")
        raise AssertionError(f"{wanted} is not reached with the arrow keys")

    def add(self, component: str) -> None:
        self._on_canvas()
        self.page.keyboard.press("a")
        expect(self.page.get_by_label("Search components")).to_be_focused()
        self.page.keyboard.type(component)
        self.page.keyboard.press("ArrowDown")
        place = self.page.locator(f'[data-component="{component}"]')
        for _ in range(8):
            if place.evaluate("element => element === document.activeElement"):
                break
            self.page.keyboard.press("ArrowDown")
        expect(place).to_be_focused()
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#canvas-said")).to_contain_text("added as")
        expect(self.page.locator(".react-flow__node:focus")).to_have_count(1)

    def connect(self, start: str, end: str) -> None:
        tab_to(self.page, node(self.page, start.partition(".")[0]))
        self.page.keyboard.press("c")
        dialog = self.page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        if "Where does" not in dialog.get_by_role("heading").inner_text():
            self._pick(dialog, start)
        expect(dialog.get_by_role("heading")).to_have_text(f"Where does {start} go?")
        self._pick(dialog, end)
        expect(dialog).to_have_count(0)
        expect(wire(self.page, f"{start} > {end}")).to_have_count(1)

    def inspect(self, name: str) -> None:
        tab_to(self.page, node(self.page, name))
        self.page.keyboard.press("Enter")
        selected(self.page, name)
        self.page.keyboard.press("i")
        expect(self.page.locator("#inspector-title")).to_be_focused()

    def write(self, name: str, label: str, text: str, *, own: int) -> None:
        side = selected(self.page, name)
        self.fill(side.get_by_label(label, exact=True), text)
        self.page.keyboard.press("Tab")
        expect(side.locator("[data-own]")).to_have_count(own)

    def pick(self, name: str, label: str, option: str) -> None:
        side = selected(self.page, name)
        tab_to(self.page, side.get_by_label(label, exact=True))
        self.page.keyboard.type(option)
        self.page.keyboard.press("Tab")
        expect(side.locator("[data-own]")).to_have_count(1)

    def _pick(self, dialog: Locator, port_name: str) -> None:
        name = self.page.locator(".muted", has_text=re.compile(rf"^\s*{re.escape(port_name)}$"))
        choice = dialog.locator("button.pick", has=name)
        for _ in range(20):
            if choice.evaluate("element => element === document.activeElement"):
                break
            self.page.keyboard.press("ArrowDown")
        expect(choice).to_be_focused()
        self.page.keyboard.press("Enter")

    def _on_canvas(self) -> None:
        """Keys of the canvas are heard where nobody types."""
        if self.page.evaluate("document.activeElement.matches('input, textarea, select')"):
            self.page.keyboard.press("Tab")
