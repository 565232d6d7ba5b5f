"""What several walks begin with: an administrator, connections, a program with a token."""

from __future__ import annotations

from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.e2e.conftest import WALK_PASSWORD, Running
from tests.servers.ports import wait_until


def become_admin(studio: Running, page: Page, home: str = "/projects/") -> None:
    page.goto(studio.first_admin)
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(WALK_PASSWORD)
    page.get_by_label("Password again").fill(WALK_PASSWORD)
    page.get_by_role("button", name="Create and sign in").click()
    expect(page).to_have_url(studio.url + home)


def connect(studio: Running, page: Page, title: str, address: str) -> None:
    page.goto(f"{studio.url}/connections/new/")
    page.get_by_label("Title").fill(title)
    page.get_by_role("textbox", name="Address").fill(address)
    page.get_by_role("button", name="Connect", exact=True).click()
    page.wait_for_url(lambda url: not url.endswith("/new/"))


def new_project(studio: Running, page: Page, application: str, title: str) -> str:
    """Its address, with a slash at the end. The page is then where such a project begins."""
    page.goto(f"{studio.url}/projects/new/")
    page.get_by_label("Title").fill(title)
    page.locator(f"[name=application][value={application}]").check()
    page.get_by_role("button", name="Create and go on").click()
    page.wait_for_url("**/canvas/" if application == "custom" else "**/wizard/model/")
    return page.url.partition("wizard/")[0].removesuffix("canvas/")


def written(page: Page) -> str:
    """The text on the YAML page."""
    expect(page.locator("yaml-editor[data-ready]")).to_be_attached()
    return page.locator("textarea[name=yaml]").input_value()


def write(page: Page, text: str) -> None:
    """Pastes this over the whole text of the YAML page."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.get_by_role("textbox", name="Project file").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+v")


class Program:
    """Calls the API with a token that a person made for it on the page."""

    def __init__(self, studio: Running, page: Page) -> None:
        page.goto(f"{studio.url}/accounts/profile/tokens/")
        page.get_by_label("Name").fill("pipeline")
        page.get_by_role("button", name="Create token").click()
        token = page.locator("#token-value")
        expect(token).not_to_have_value("")
        self._client = httpx.Client(
            base_url=f"{studio.url}/api/v1",
            headers={"Authorization": f"Bearer {token.input_value()}"},
            timeout=60,
        )

    def project(self, address: str) -> dict[str, Any]:
        return self._answer(self._client.get(f"/projects/{id_of(address)}"))

    def yaml(self, address: str) -> str:
        text: str = self._answer(self._client.get(f"/projects/{id_of(address)}/yaml"))["yaml"]
        return text

    def set(self, address: str, **values: Any) -> None:
        """Values of the spec by dotted path, with __ for the dots."""
        body = {
            "base_revision": self.project(address)["revision"],
            "set": {path.replace("__", "."): value for path, value in values.items()},
        }
        self._answer(self._client.patch(f"/projects/{id_of(address)}", json=body))

    def make(self, **values: Any) -> str:
        """The id of a new project."""
        return str(self._answer(self._client.post("/projects", json=values))["id"])

    def rows(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._answer(self._client.get(path))["results"]
        return found

    def run(self, path: str, **values: Any) -> None:
        """Starts a run of the project and waits for its end."""
        made = (
            f"/{path.rpartition('/')[2]}/{self._answer(self._client.post(path, json=values))['id']}"
        )
        wait_until(
            lambda: self._answer(self._client.get(made))["job"]["status"] == "succeeded",
            what=f"{path} did not end",
            timeout_s=90,
        )

    def _answer(self, answer: httpx.Response) -> dict[str, Any]:
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told


def id_of(address: str) -> str:
    """Of a project, from the address of one of its pages."""
    return address.partition("/projects/")[2].partition("/")[0]


def ask(page: Page, question: str) -> str:
    """Asks in the chat that is open; the text of the answer once it is whole."""
    answers = page.locator("article.chat-reply[data-status=complete]")
    before = answers.count()
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Send").click()
    expect(answers).to_have_count(before + 1, timeout=30_000)
    return answers.last.locator(".chat-answer").inner_text()
