"""The canvas in a test: its nodes, ports and wires, dragging, and keys."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

SAVED_MS = 20_000
MOST_TABS = 150


def node(page: Page, node_id: str) -> Locator:
    return page.locator(f'.react-flow__node[data-id="{node_id}"]')


def port(page: Page, name: str) -> Locator:
    node_id, _, handle = name.partition(".")
    return node(page, node_id).locator(f'.react-flow__handle[data-handleid="{handle}"]')


def middle(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start: Locator, end: Locator, *, release: bool = True) -> None:
    page.mouse.move(*middle(start))
    page.mouse.down()
    x, y = middle(end)
    page.mouse.move(x - 30, y - 8, steps=4)
    page.mouse.move(x, y, steps=4)
    if release:
        page.mouse.up()


def saved(page: Page) -> None:
    expect(page.locator("#canvas-saved")).to_have_text("Saved", timeout=SAVED_MS)


def wires(page: Page) -> list[str]:
    edges = page.locator(".react-flow__edge")
    return sorted(
        str(edges.nth(at).get_attribute("data-id")).replace(" > ", ">")
        for at in range(edges.count())
    )


def selected(page: Page, node_id: str) -> Locator:
    """The inspector once it shows this node."""
    side = page.locator(f'#inspector[data-node="{node_id}"]')
    expect(side).to_be_visible()
    return side


def tab_to(page: Page, place: Locator) -> None:
    """Presses Tab until this has the focus, as somebody does who has no mouse."""
    for _ in range(MOST_TABS):
        if place.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{place} is not reached with {MOST_TABS} tabs")
