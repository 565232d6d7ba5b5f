"""Drawing a flow in a real browser: with the mouse, with the keyboard alone, by two people at once.

The steps build on each other and run in this order.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.browser import Look, Watch
from tests.e2e.conftest import Running
from tests.e2e.drawing import drag, node, port, saved, wires
from tests.e2e.steps import become_admin, connect
from tests.fakes.openai_server import FakeOpenAI


@pytest.fixture(scope="module")
def seen() -> dict[str, str]:
    """Addresses that later steps need from earlier ones."""
    return {}


def new_flow(studio: Running, page: Page, title: str) -> str:
    page.goto(f"{studio.url}/projects/new/")
    page.get_by_label("Title").fill(title)
    page.locator('input[name="application"][value="custom"]').check()
    page.get_by_role("button", name="Create and go on").click()
    page.wait_for_url("**/canvas/")
    expect(page.locator(".react-flow__node")).to_have_count(4)
    return page.url


def test_a_custom_project_begins_on_the_canvas(
    studio: Running, page: Page, look: Look, seen: dict[str, str], model_server: FakeOpenAI
) -> None:
    become_admin(studio, page)
    connect(studio, page, "Fake", model_server.url)
    seen["canvas"] = new_flow(studio, page, "Two models")
    look("60-canvas")


def test_a_second_model_is_drawn_with_the_mouse(page: Page, look: Look) -> None:
    item = page.locator('[data-component="llm"]')
    stage = page.locator(".react-flow")
    box = stage.bounding_box()
    assert box is not None
    item.drag_to(stage, target_position={"x": box["width"] * 0.55, "y": box["height"] * 0.85})
    expect(node(page, "llm-2")).to_be_visible()
    page.get_by_role("button", name="Close the inspector").click()
    page.get_by_role("button", name="Show all").click()
    page.wait_for_timeout(300)
    drag(page, port(page, "prompt.messages"), port(page, "llm-2.messages"))
    expect(page.locator(".react-flow__edge")).to_have_count(5)
    saved(page)


def test_a_wire_between_other_types_is_vetoed_with_its_reason(page: Page, look: Look) -> None:
    drag(page, port(page, "question.question"), port(page, "llm-2.messages"), release=False)
    expect(page.locator(".veto")).to_have_text(
        "question.question gives text and llm-2.messages takes messages."
    )
    look("61-canvas-veto", sizes=("wide",))
    page.mouse.up()
    expect(page.locator(".react-flow__edge")).to_have_count(5)
    page.get_by_role("button", name="Show all").click()
    page.wait_for_timeout(300)
    drag(page, port(page, "llm-2.answer"), port(page, "answer.answer"), release=False)
    expect(page.locator(".veto")).to_contain_text("answer.answer is fed already.")
    page.mouse.up()


def test_undo_and_redo_give_the_exact_flow(page: Page) -> None:
    before = wires(page)
    page.locator(".react-flow__pane").click(position={"x": 5, "y": 5})
    node(page, "llm-2").click()
    page.keyboard.press("Delete")
    expect(page.locator(".react-flow__node")).to_have_count(4)
    page.keyboard.press("Control+z")
    expect(page.locator(".react-flow__node")).to_have_count(5)
    expect(page.locator(".react-flow__edge")).to_have_count(len(before))
    assert wires(page) == before
    page.keyboard.press("Control+y")
    expect(page.locator(".react-flow__node")).to_have_count(4)
    page.keyboard.press("Control+z")
    expect(page.locator("#canvas-said")).to_contain_text("Undone: llm-2 removed")
    saved(page)
    page.reload()
    expect(page.locator(".react-flow__edge")).to_have_count(len(before))
    assert wires(page) == before


def test_f2_renames_and_connections_follow(page: Page) -> None:
    node(page, "llm-2").click()
    page.keyboard.press("F2")
    field = page.locator("#inspector_id")
    expect(field).to_be_focused()
    page.keyboard.type("writer")
    page.keyboard.press("Tab")
    expect(node(page, "writer")).to_be_visible()
    expect(page.locator("#canvas-said")).to_have_text("llm-2 renamed to writer")
    expect(page.locator(".react-flow__edge")).to_have_count(5)
    assert "prompt.messages>writer.messages" in wires(page)
    saved(page)
    page.get_by_role("button", name="Undo: llm-2 renamed to writer").click()
    expect(node(page, "llm-2")).to_be_visible()
    expect(page.locator(".react-flow__edge")).to_have_count(5)
    saved(page)


def test_the_inspector_sets_and_resets(page: Page, look: Look, watch: Watch) -> None:
    node(page, "llm").click()
    side = page.locator("#inspector")
    side.get_by_label("Temperature").fill("1.5")
    side.get_by_label("Temperature").press("Tab")
    expect(side.locator("[data-own]")).to_have_count(1)
    expect(node(page, "llm")).to_contain_text("Temperature: 1.5")
    watch.allowed = (422,)
    side.get_by_label("Top-k").fill("0")
    side.get_by_label("Top-k").press("Tab")
    expect(side.locator(".field-error")).to_contain_text("Top-k must be at least 1")
    look("62-canvas-inspector")
    side.get_by_label("Top-k").fill("40")
    side.get_by_label("Top-k").press("Tab")
    expect(side.locator(".field-error")).to_have_count(0)
    side.get_by_role("button", name=re.compile("^Use the project.*Temperature")).click()
    expect(side.locator("[data-own]")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("^Undo")).click()
    expect(side.get_by_label("Temperature")).to_have_value("1.5")
    saved(page)


def test_a_node_is_tried_by_itself(page: Page, look: Look) -> None:
    side = page.locator("#inspector")
    side.get_by_label("Connection").select_option(label="Fake")
    expect(side.locator("[data-own]")).to_have_count(2)
    side.get_by_label("Model", exact=True).fill("fake-model")
    side.get_by_label("Model", exact=True).press("Tab")
    expect(side.locator("[data-own]")).to_have_count(3)
    side.get_by_label(re.compile("^messages")).fill("How are you?")
    side.get_by_role("button", name="Run", exact=True).click()
    expect(side.locator(".try-result")).to_contain_text("tokens", timeout=20_000)
    expect(node(page, "llm").locator(".node-run")).to_contain_text("tokens")
    side.locator(".try-result").scroll_into_view_if_needed()
    look("63-canvas-node-tried")
    saved(page)


def test_problems_lead_to_their_nodes(page: Page, look: Look) -> None:
    page.locator(".problems-head").click()
    page.locator(".problems-list button", has_text="llm-2").click()
    expect(node(page, "llm-2")).to_have_class(re.compile("selected"))
    look("64-canvas-problems", sizes=("wide", "medium"))
    page.locator(".problems-head").click()


def test_copies_go_to_another_project(studio: Running, page: Page, seen: dict[str, str]) -> None:
    page.get_by_role("button", name="Show all").click()
    page.wait_for_timeout(200)
    node(page, "llm").click()
    page.keyboard.press("Control+c")
    expect(page.locator("#canvas-said")).to_contain_text("1 node copied")
    seen["second"] = new_flow(studio, page, "By keyboard")
    page.locator(".react-flow__pane").click(position={"x": 5, "y": 5})
    page.keyboard.press("Control+v")
    expect(page.locator(".react-flow__node")).to_have_count(5)
    expect(node(page, "llm-2")).to_contain_text("fake-model")
    page.keyboard.press("Control+z")
    expect(page.locator(".react-flow__node")).to_have_count(4)
    saved(page)


def test_a_frame_selects_and_moves_several(page: Page) -> None:
    page.get_by_role("button", name="Drag selects with a frame").click()
    pane = page.locator(".react-flow__pane").bounding_box()
    assert pane is not None
    page.mouse.move(pane["x"] + 8, pane["y"] + 8)
    page.mouse.down()
    page.mouse.move(pane["x"] + pane["width"] / 2, pane["y"] + pane["height"] / 2, steps=4)
    page.mouse.move(pane["x"] + pane["width"] - 8, pane["y"] + pane["height"] - 8, steps=4)
    page.mouse.up()
    expect(page.locator(".react-flow__node.selected")).to_have_count(4)
    expect(page.locator("#inspector")).to_contain_text("4 nodes are selected")
    page.keyboard.press("Control+d")
    expect(page.locator(".react-flow__node")).to_have_count(8)
    page.keyboard.press("Control+z")
    expect(page.locator(".react-flow__node")).to_have_count(4)
    page.get_by_role("button", name="Drag moves the view").click()
    page.locator(".react-flow__pane").click(position={"x": 5, "y": 5})
    saved(page)


def test_the_same_is_drawn_with_the_keyboard_alone(page: Page, look: Look) -> None:
    page.locator("body").press("a")
    page.keyboard.type("language")
    page.keyboard.press("Enter")
    expect(node(page, "llm-2")).to_be_focused()
    node(page, "prompt").focus()
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Where does prompt.messages go?")
    look("65-canvas-connect")
    expect(dialog.get_by_role("button", name="llm-2.messages")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".react-flow__edge")).to_have_count(5)
    expect(page.locator("#canvas-said")).to_contain_text("connected to llm-2.messages")
    node(page, "llm-2").focus()
    page.keyboard.press("Enter")
    before = node(page, "llm-2").bounding_box()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(page.locator("#canvas-said")).to_contain_text("llm-2 moved")
    after = node(page, "llm-2").bounding_box()
    assert before is not None
    assert after is not None
    assert after["y"] > before["y"]
    saved(page)


def test_the_outline_edits_the_same_flow(page: Page, look: Look) -> None:
    page.get_by_role("button", name="Outline").click()
    outline = page.get_by_role("list", name="Nodes of the flow")
    expect(outline.locator("> li")).to_have_count(5)
    look("66-canvas-outline")
    page.get_by_role("button", name="Disconnect llm.answer from answer.answer").first.press("Enter")
    page.get_by_role("button", name="Connect llm-2.answer onward").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name=re.compile("answer.answer")).press(
        "Enter"
    )
    saved(page)
    page.get_by_role("button", name="Canvas", exact=True).click()
    assert "llm-2.answer>answer.answer" in wires(page)


def test_two_people_at_once_lose_nothing(
    page: Page, context: BrowserContext, look: Look, watch: Watch, seen: dict[str, str]
) -> None:
    other = context.new_page()
    other.goto(seen["second"])
    expect(other.locator(".react-flow__node")).to_have_count(5)
    for who, title in ((page, "Writer of the first"), (other, "Writer of the second")):
        node(who, "llm").click()
        who.locator("#inspector").get_by_label("Title").fill(title)
    watch.allowed = (409,)
    page.locator("#inspector").get_by_label("Title").press("Tab")
    expect(node(page, "llm")).to_contain_text("Writer of the first")
    saved(page)
    other.locator("#inspector").get_by_label("Title").press("Tab")
    dialog = other.get_by_role("dialog")
    expect(dialog).to_contain_text("Both of you changed this")
    expect(dialog).to_contain_text("Writer of the first")
    expect(dialog).to_contain_text("Writer of the second")
    Look(other, watch)("67-canvas-merge")
    dialog.get_by_role("radio", name=re.compile("Yours")).check()
    dialog.get_by_role("button", name="Save this").click()
    saved(other)
    expect(node(other, "llm")).to_contain_text("Writer of the second")
    other.close()
    page.reload()
    expect(node(page, "llm")).to_contain_text("Writer of the second")


def test_what_could_not_be_saved_is_offered_again(
    page: Page, context: BrowserContext, watch: Watch, look: Look, seen: dict[str, str]
) -> None:
    other = context.new_page()
    other.goto(seen["second"])
    expect(other.locator(".react-flow__node")).to_have_count(5)
    for who, title in ((page, "First"), (other, "Second")):
        node(who, "prompt").click()
        who.locator("#inspector").get_by_label("Title").fill(title)
    page.locator("#inspector").get_by_label("Title").press("Tab")
    expect(node(page, "prompt")).to_contain_text("First")
    saved(page)
    other.locator("#inspector").get_by_label("Title").press("Tab")
    expect(other.get_by_role("dialog")).to_be_visible()
    other.close()
    page.reload()
    kept = page.get_by_role("region", name="Changes that were not saved")
    expect(kept).to_contain_text("1 change by ada could not be saved")
    look("71-canvas-kept", sizes=("wide", "narrow"))
    kept.get_by_role("button", name="Apply them").click()
    expect(node(page, "prompt")).to_contain_text("Second")
    saved(page)
    page.reload()
    expect(node(page, "prompt")).to_contain_text("Second")
    expect(kept).to_have_count(0)


def test_changes_that_do_not_touch_are_put_together(
    page: Page, context: BrowserContext, watch: Watch, seen: dict[str, str]
) -> None:
    other = context.new_page()
    other.goto(seen["second"])
    expect(other.locator(".react-flow__node")).to_have_count(5)
    watch.allowed = (409,)
    node(page, "llm-2").click()
    page.locator("#inspector").get_by_label("Title").fill("Mine")
    page.locator("#inspector").get_by_label("Title").press("Tab")
    saved(page)
    node(other, "prompt").click()
    other.locator("#inspector").get_by_label("Title").fill("Theirs")
    other.locator("#inspector").get_by_label("Title").press("Tab")
    saved(other)
    expect(node(other, "llm-2")).to_contain_text("Mine")
    expect(node(other, "prompt")).to_contain_text("Theirs")
    other.close()


def test_versions_are_drawn_and_compared(page: Page, look: Look, seen: dict[str, str]) -> None:
    page.goto(seen["canvas"])
    node(page, "llm-2").click()
    page.keyboard.press("Delete")
    expect(page.locator(".react-flow__node")).to_have_count(4)
    saved(page)
    page.get_by_role("button", name="Try it").click()
    page.wait_for_url("**/sandbox/**")
    page.goto(seen["canvas"])
    node(page, "llm").click()
    page.locator("#inspector").get_by_label("Temperature").fill("0.7")
    page.locator("#inspector").get_by_label("Temperature").press("Tab")
    expect(page.locator("#inspector [data-own]")).to_have_count(3)
    page.locator('[data-component="retriever"]').click()
    expect(node(page, "retriever")).to_be_visible()
    page.keyboard.press("Control+z")
    page.locator('[data-component="prompt"]').click()
    expect(node(page, "prompt-2")).to_be_visible()
    page.keyboard.press("Control+z")
    saved(page)
    page.get_by_role("button", name="Try it").click()
    page.wait_for_url("**/sandbox/**")
    project = seen["canvas"].removesuffix("canvas/")
    page.goto(f"{project}versions/2/")
    page.locator(".canvas-view").scroll_into_view_if_needed()
    expect(page.locator(".canvas-view .react-flow__node")).to_have_count(4)
    look("68-version-drawn")
    page.goto(f"{project}versions/?old=1&new=2")
    expect(page.locator('.node[data-mark="changed"]')).to_contain_text("0.7")
    look("69-versions-compared")


def test_the_last_run_stays_on_the_graph(page: Page, look: Look, seen: dict[str, str]) -> None:
    project = seen["canvas"].removesuffix("canvas/")
    page.goto(f"{project}sandbox/")
    page.get_by_label("Your question").fill("How are you?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("article.chat-reply[data-status=complete]").last).to_be_visible(
        timeout=30_000
    )
    page.goto(seen["canvas"])
    expect(node(page, "llm").locator(".node-run")).to_contain_text("tokens")
    node(page, "llm").click()
    last = page.locator("#inspector .inspector-part", has_text="Last run")
    expect(last).to_contain_text("messages")
    expect(last).to_contain_text("answer")
    look("70-canvas-last-run")


def test_fingers_select_and_connect_on_a_narrow_screen(
    page: Page, context: BrowserContext, watch: Watch, seen: dict[str, str]
) -> None:
    assert context.browser is not None
    narrow = context.browser.new_context(
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        reduced_motion="reduce",
        storage_state=context.storage_state(),
    )
    phone = narrow.new_page()
    watch.attach(phone)
    phone.goto(seen["canvas"])
    phone.get_by_role("button", name="Canvas", exact=True).tap()
    expect(node(phone, "question")).to_be_in_viewport()
    edges = phone.locator(".react-flow__edge")
    count = edges.count()
    port(phone, "question.image").tap()
    port(phone, "prompt.question").tap()
    expect(phone.get_by_role("alert")).to_have_text(
        "question.image gives image and prompt.question takes text."
    )
    expect(phone.locator("#canvas-side")).to_be_hidden()
    node(phone, "prompt").tap(position={"x": 60, "y": 10})
    expect(phone.locator("#inspector_id")).to_have_value("prompt")
    sheet = phone.locator("#canvas-side").bounding_box()
    assert sheet is not None
    assert (sheet["x"], sheet["width"], sheet["y"] + sheet["height"]) == (0, 390, 844)
    expect(edges).to_have_count(count)
    phone.get_by_role("button", name="Close the inspector").tap()
    phone.get_by_role("button", name="Add", exact=True).tap()
    expect(phone.locator("#palette")).to_be_in_viewport()
    phone.get_by_role("button", name="Close the palette").tap()
    expect(phone.locator("#palette")).to_be_hidden()
    for size in ("document.documentElement", "document.querySelector('.canvas-bar')"):
        assert phone.evaluate(f"{size}.scrollWidth - {size}.clientWidth") <= 0
    narrow.close()
