"""A real Chromium, and what every page of the walk must pass: no console error, no CSP report, axe clean."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "artifacts" / "screens"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTLED = """theme => (document.documentElement.dataset.theme ?? theme) === theme
    && !document.getAnimations().some(one => one.playState === "running")"""
"""A change of theme is over once every transition is: without motion, too, each takes a frame."""
SIZES = {"wide": (1440, 900), "medium": (1024, 768), "narrow": (390, 844)}


def launch(playwright: Playwright, arguments: Sequence[str] = ARGUMENTS) -> Browser:
    """Chromium as the system has it. Raises RuntimeError naming what to install."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise RuntimeError("The browser walk needs Chromium. Install it: apt-get install chromium")
    return playwright.chromium.launch(executable_path=path, args=list(arguments))


@dataclass
class Watch:
    """Collects what a page complains about. `allowed` are statuses a step causes on purpose."""

    complaints: list[str] = field(default_factory=list)
    allowed: tuple[int, ...] = ()

    def attach(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', e => "
            "console.error('CSP ' + e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sourceFile))"
        )

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        if any(f"status of {status}" in message.text for status in self.allowed):
            return
        self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url')})")


class Look:
    """Takes the screenshots of a page at every width and theme and holds it against axe-core.

    axe runs with a page's own CSP in force: the script comes in through the debugging protocol.
    """

    def __init__(self, page: Page, watch: Watch) -> None:
        self.page = page
        self.watch = watch

    def __call__(self, name: str, *, sizes: tuple[str, ...] = tuple(SIZES)) -> None:
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        for theme in ("light", "dark"):
            self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            for size in sizes:
                width, height = SIZES[size]
                self.page.set_viewport_size({"width": width, "height": height})
                self.page.wait_for_timeout(60)
                self.page.wait_for_function(SETTLED, arg=theme)
                self.page.screenshot(path=ARTIFACTS / f"{name}-{size}-{theme}.png")
                self._no_sideways_scroll(name, size)
            self._axe(name, theme)
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        self.page.set_viewport_size({"width": 1440, "height": 900})

    def _no_sideways_scroll(self, name: str, size: str) -> None:
        overflow = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, f"{name} at {size} scrolls sideways by {overflow} px"

    def _axe(self, name: str, theme: str) -> None:
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(AXE.read_text(encoding="utf-8") + "; undefined")
        found: list[dict[str, Any]] = self.page.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)"
        )
        told = [
            f"{row['id']}: {node['html'][:160]} | {node.get('failureSummary', '')[:200]}"
            for row in found
            for node in row["nodes"]
        ]
        assert told == [], f"axe on {name} ({theme}):\n" + "\n".join(told)
