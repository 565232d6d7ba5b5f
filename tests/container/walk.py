"""What people do with an exported portal, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.container.sandbox import QUESTION
from tests.e2e.browser import Look, Watch

PASSWORD = "correct horse battery"
ANSWER_WITHIN_MS = 30_000


class Portal:
    """One browser against one portal; complaints of all its pages are kept together."""

    def __init__(self, browser: Browser, url: str, name: str) -> None:
        self.browser = browser
        self.url = url
        self.name = name
        self.watch = Watch()

    def visitor(self) -> Page:
        page = self.browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        self.watch.attach(page)
        return page

    def look(self, page: Page, what: str) -> None:
        Look(page, self.watch)(f"{self.name}-{what}")

    def first_administrator(self, link: str) -> Page:
        """Opens the one-time link that was printed and chooses a password."""
        page = self.visitor()
        page.goto(link)
        self.look(page, "first-administrator")
        page.get_by_label("User name").fill("admin")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("Password again").fill(PASSWORD)
        page.locator("main form button, form button[type=submit], form .btn-primary").first.click()
        expect(page).to_have_url(f"{self.url}/chat/")
        return page

    def add_person(self, admin: Page, username: str) -> str:
        """Adds somebody on the People page; returns their one-time link."""
        admin.goto(f"{self.url}/accounts/people/")
        self.look(admin, "people")
        admin.goto(f"{self.url}/accounts/people/new/")
        admin.get_by_label("User name").fill(username)
        admin.locator("main form .btn-primary").click()
        link = admin.locator("input[value*='/accounts/set-password/']")
        expect(link).to_be_visible()
        return link.input_value()

    def sign_in_by_link(self, link: str) -> Page:
        page = self.visitor()
        page.goto(link)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("Password again").fill(PASSWORD)
        page.locator("form .btn-primary").click()
        expect(page).to_have_url(f"{self.url}/chat/")
        return page

    def sign_in(self, username: str) -> Page:
        page = self.visitor()
        page.goto(f"{self.url}/accounts/login/")
        page.get_by_label("User name").fill(username)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{self.url}/chat/")
        return page

    def ask(self, page: Page, question: str = QUESTION) -> str:
        """Asks in a new conversation and waits for the finished answer; returns its text."""
        page.goto(f"{self.url}/chat/")
        page.locator("#composer textarea").fill(question)
        page.locator("#composer [data-send]").click()
        answer = page.locator(".chat-reply .chat-answer").last
        expect(answer).to_be_visible(timeout=ANSWER_WITHIN_MS)
        return answer.inner_text()

    def sources(self, page: Page) -> list[str]:
        """Labels of the answer's sources, in their order."""
        return [text.strip() for text in page.locator(".chat-sources a").all_inner_texts()]

    def open_source(self, page: Page, number: int) -> str:
        """Opens a citation's passage; returns the highlighted words."""
        page.locator(".chat-sources a").nth(number - 1).click()
        passage = page.locator("#chat-passage mark")
        expect(passage).to_be_visible()
        words = passage.inner_text()
        page.keyboard.press("Escape")
        return words
