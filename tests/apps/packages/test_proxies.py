"""The portal behind proxies: whose address counts, which guessing of passwords is slowed down by."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import Any

import pytest

from tests.servers.environment import PROJECT

PROXIES = PROJECT / "deploy" / "package" / "portal" / "portal" / "proxies.py"
CLIENT = ("10.0.0.1", 5000)


def seen(count: int, *headers: tuple[str, str]) -> tuple[str, str]:
    """(address, scheme) as the application sees them."""
    spec = importlib.util.spec_from_file_location("portal_proxies", PROXIES)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    scopes: list[dict[str, Any]] = []

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        scopes.append(scope)

    raw = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "client": CLIENT, "scheme": "http", "headers": raw}
    asyncio.run(module.behind_proxies(application, count)(scope, None, None))
    return scopes[0]["client"][0], scopes[0]["scheme"]


@pytest.mark.parametrize(
    ("count", "forwarded", "address"),
    [
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "6.6.6.6, 203.0.113.7", "203.0.113.7"),
        (2, "6.6.6.6, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        (2, "203.0.113.7", "203.0.113.7"),
        (1, " , ", CLIENT[0]),
    ],
)
def test_address_is_the_one_that_our_proxies_wrote(
    count: int, forwarded: str, address: str
) -> None:
    assert seen(count, ("x-forwarded-for", forwarded)) == (address, "http")


def test_header_sent_twice_counts_as_one_list() -> None:
    headers = (("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.7"))

    assert seen(1, *headers)[0] == "203.0.113.7"


@pytest.mark.parametrize(
    ("said", "scheme"), [("https", "https"), ("http, https", "https"), ("gopher", "http")]
)
def test_scheme_is_taken_if_it_is_one(said: str, scheme: str) -> None:
    assert seen(1, ("x-forwarded-proto", said)) == (CLIENT[0], scheme)


def test_without_proxies_words_the_connection_counts() -> None:
    assert seen(1) == (CLIENT[0], "http")
