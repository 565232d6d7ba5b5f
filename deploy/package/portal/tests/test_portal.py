"""`make test`: what the README promises, asked of a portal that is really served."""

from __future__ import annotations

import html
import json
import os
import re
import unittest
from contextlib import ExitStack
from typing import ClassVar

from portal.application import PIXEL, application
from tests.model_server import ModelServer
from tests.running import Browser, Portal

APP = application()
STORES = [server for server in APP.servers if server.keeps_vectors]
QUESTION = "What is this about?"
PASSWORD = "correct horse battery"
ASKS = ("test_packaged_knowledge_answers", "test_api_answers_with_a_token")
INDEXING_WITHIN_S = 600
ONCE = re.compile(r'value="(\S*/accounts/set-password/[^"]+)"')
TOKEN = re.compile(r'value="(pat_[^"]+)"')


class PortalTest(unittest.TestCase):
    """One portal for all tests; the first administrator is made once, from the printed link."""

    stack: ClassVar[ExitStack]
    portal: ClassVar[Portal]
    admin: ClassVar[Browser]

    @classmethod
    def setUpClass(cls) -> None:
        cls.stack = ExitStack()
        variables = {}
        if APP.servers:
            model = cls.stack.enter_context(ModelServer())
            variables = {
                server.url_variable: model.url for server in APP.servers if not server.keeps_vectors
            }
        for server in STORES:
            for name in (server.url_variable, server.key_variable):
                variables[name] = os.environ.get(name, "")
        try:
            cls.portal = cls.stack.enter_context(Portal(**variables))
            cls.admin = Browser(cls.portal.url)
            fields = {"username": "admin", "password": PASSWORD, "password_again": PASSWORD}
            status, _ = cls.admin.post(cls.portal.first_admin, **fields)
            assert status == 200, f"the first administrator's link answered {status}"
            cls.portal.wait_for_knowledge(INDEXING_WITHIN_S)
        except BaseException:
            cls.stack.close()
            raise

    @classmethod
    def tearDownClass(cls) -> None:
        cls.stack.close()

    def setUp(self) -> None:
        """Questions need the vector store; its address for tests comes from the environment."""
        asks = self._testMethodName in ASKS
        missing = [one.url_variable for one in STORES if not os.environ.get(one.url_variable)]
        if asks and missing:
            self.skipTest(f"the vector store has no address here; set {missing[0]} to test with it")

    def person(self, username: str) -> Browser:
        """Somebody the administrator has added, who has chosen a password by their one-time link."""
        status, text = self.admin.post("/accounts/people/new/", username=username)
        self.assertEqual(status, 200, text)
        link = ONCE.search(text)
        self.assertIsNotNone(link, "the new person's one-time link is on the page")
        assert link
        browser = Browser(self.portal.url)
        path = html.unescape(link[1]).removeprefix(self.portal.url)
        status, _ = browser.post(path, password=PASSWORD, password_again=PASSWORD)
        self.assertEqual((status, browser.path), (200, "/chat/"))
        return browser

    def test_health_needs_no_sign_in(self) -> None:
        browser = Browser(self.portal.url)

        self.assertEqual(browser.json("/healthz"), {"status": "ok"})
        self.assertEqual(browser.json("/readyz")["status"], "ready")

    def test_pages_need_a_sign_in(self) -> None:
        for path in ("/", "/chat/", "/knowledge/", "/accounts/people/", "/jobs/"):
            browser = Browser(self.portal.url)
            status, _ = browser.get(path)
            self.assertEqual((status, browser.path), (200, "/accounts/login/"), path)

    def test_first_administrator_link_works_once(self) -> None:
        status, _ = Browser(self.portal.url).get(self.portal.first_admin)

        self.assertEqual(status, 404)

    def test_people_do_not_see_the_administrators_pages(self) -> None:
        person = self.person("curious")

        self.assertEqual(person.get("/accounts/people/")[0], 404)
        self.assertEqual(person.get("/chat/")[0], 200)

    def test_a_person_asks_in_the_browser(self) -> None:
        person = self.person("asker")
        status, text = person.post("/chat/start/", app="app", text=QUESTION)

        self.assertEqual(status, 200, text)
        self.assertRegex(person.path, r"^/chat/[0-9a-f-]{36}/$")
        self.assertIn(html.escape(QUESTION), text)

    def test_packaged_knowledge_answers(self) -> None:
        if not any(collection.include != "none" for collection in APP.collections):
            self.skipTest("no knowledge travels with this package")
        first = json.loads(self.portal.manage("smoke", "--json", "--question", QUESTION))
        second = json.loads(self.portal.manage("smoke", "--json", "--question", QUESTION))

        self.assertTrue(first["passages"])
        self.assertEqual(first, second)

    def test_api_answers_with_a_token(self) -> None:
        content = [{"type": "text", "text": QUESTION}]
        if "image" in APP.traits.takes:
            url = {"url": f"data:image/png;base64,{PIXEL}"}
            content.append({"type": "image_url", "image_url": url})
        body = {"model": "app", "messages": [{"role": "user", "content": content}]}
        if not APP.features.api:
            status, _ = Browser(self.portal.url).get("/v1/models")
            self.assertEqual(status, 404)
            return
        person = self.person("programmer")
        status, text = person.post("/accounts/profile/tokens/", name="test", days=30)
        found = TOKEN.search(text)
        self.assertIsNotNone(found, "the token's value is on the page")
        assert found
        answer = Browser(self.portal.url).json("/v1/chat/completions", body, found[1])

        self.assertTrue(answer["choices"][0]["message"]["content"])
        self.assertEqual("audio" in answer["choices"][0]["message"], APP.traits.speaks)

    def test_api_refuses_without_a_token(self) -> None:
        status, _ = Browser(self.portal.url).get("/v1/models")

        self.assertEqual(status, 401 if APP.features.api else 404)
        self.assertNotEqual(Browser(self.portal.url).get("/chat/api/sessions/")[0], 200)


if __name__ == "__main__":
    unittest.main()
