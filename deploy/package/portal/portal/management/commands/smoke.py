from __future__ import annotations

import asyncio
import base64
import time
import urllib.request
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.runtime.errors import StudioError
from apps.runtime.events import Answer, Documents, Event
from apps.runtime.http import close_sessions
from apps.runtime.media import Media
from apps.runtime.resources import RunRequest, Turn
from portal.application import APP_KEY, PIXEL, application
from portal.gateway import PortalGateway, Prepared
from portal.knowledge import knowledge_state


class Command(BaseCommand):
    help = "Ask the application one question and, with --url, check the running portal over HTTP."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--question", default="What is this about?")
        parser.add_argument("--url", default="", help="address of the running portal")
        parser.add_argument("--json", action="store_true", help="print the passages as JSON")
        parser.add_argument("--wait", type=int, default=0, help="seconds to wait for the indexing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["url"]:
            self._check_http(options["url"].rstrip("/"))
        self._wait(options["wait"])
        gateway = PortalGateway()
        try:
            prepared = gateway.prepare(None, APP_KEY)
            events = asyncio.run(_ask(gateway, prepared, options["question"]))
        except StudioError as error:
            raise CommandError(f"{error.code}: {error}") from error
        self._report(events, as_json=options["json"])

    def _check_http(self, base: str) -> None:
        for path in ("/healthz", "/readyz", "/accounts/login/"):
            try:
                with urllib.request.urlopen(f"{base}{path}", timeout=10) as answer:  # noqa: S310
                    self.stdout.write(f"ok  {answer.status} {path}")
            except OSError as error:
                raise CommandError(f"{base}{path}: {error}") from error

    def _wait(self, seconds: int) -> None:
        deadline = time.monotonic() + seconds
        while (state := knowledge_state()) != "ready":
            if time.monotonic() > deadline:
                raise CommandError(
                    f"the knowledge is not ready: {state}. Jobs shows what it waits for."
                )
            time.sleep(1)

    def _report(self, events: list[Event], *, as_json: bool) -> None:
        passages = [
            passage
            for event in events
            if isinstance(event, Documents)
            for passage in event.passages
        ]
        answer = next(event for event in events if isinstance(event, Answer))
        if as_json:
            rows = [[row.document, row.ordinal, row.text] for row in passages]
            self.stdout.write(orjson.dumps({"passages": rows, "answer": answer.text}).decode())
            return
        self.stdout.write(f"ok  {len(passages)} passages, answer of {len(answer.text)} characters")
        self.stdout.write(answer.text)


def example_media() -> tuple[Media, ...]:
    """One white pixel for applications that look at pictures; the others need words alone."""
    takes_pictures = "image" in application().traits.takes
    return (Media("image/png", base64.b64decode(PIXEL), "pixel.png"),) if takes_pictures else ()


async def _ask(gateway: PortalGateway, prepared: Prepared, question: str) -> list[Event]:
    try:
        request = RunRequest(turns=[Turn("user", question, example_media())])
        return [event async for event in gateway.run(prepared, request)]
    finally:
        await close_sessions()
