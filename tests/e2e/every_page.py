"""Every page that a served studio or portal has, with an address of each that exists: found by following the
links of a session and held against the URL resolver, so that a page which nobody reached is told by name."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from tests.contract.addresses import Address, addresses

VENDORED = ("ui:", "accounts:", "jobs:", "knowledge:", "chat:")
"""What a portal has of the studio's addresses, at the same places."""
NO_PAGES = {
    "chat:attachment": "a file of a question",
    "chat:older": "more rows of a list",
    "chat:sessions": "more rows of a list",
    "knowledge:original": "a file",
}
"""Said here where no link of the walk shows it."""
WITHIN = re.compile(r'="(/[^"]*)"')
INVENTED = "/00000000-0000-"
"""Begins the ids of what the style guide shows, which does not exist."""
NOBODY = ("00000000-0000-4000-8000-000000000000", 1, "none")
"""Ids of no row: an address that takes no GET says so whatever it names."""


def names(*begin: str) -> list[Address]:
    """What people may open, by the resolver; the begins of the names narrow it."""
    rows = [one for one in addresses() if not one.for_programs]
    return [one for one in rows if not begin or one.name.startswith(begin)]


@dataclass
class Site:
    """
    pages   path by title, "projects:wizard safety": one for each page that is not told apart by ids alone
    others  why an address is no page, by its name
    """

    client: httpx.Client
    names: list[Address]
    pages: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    _known: dict[str, dict[str, object]] = field(default_factory=dict)

    def follow(self, *start: str) -> None:
        """Goes through what the links of the pages lead to."""
        waiting = list(start)
        seen: set[str] = set()
        wanted = {one.name for one in self.names}
        while waiting:
            path = waiting.pop(0)
            title = _title(path)
            if path in seen or title in self.pages or title.partition(" ")[0] not in wanted:
                continue
            seen.add(path)
            waiting += self._links(self._visit(path, title))

    def complete(self) -> set[str]:
        """Visits what no link led to, by the ids that are known by now. The names of what cannot be told stay."""
        for address in self.names:
            if not self._told(address.name):
                self._links(self._visit(self._path(address), address.name))
        return {one.name for one in self.names if not self._told(one.name)} - set(NO_PAGES)

    def _told(self, name: str) -> bool:
        return name in self.others or any(title.partition(" ")[0] == name for title in self.pages)

    def _links(self, text: str) -> Iterable[str]:
        found = [html.unescape(one) for one in WITHIN.findall(text)]
        for path in found:
            if (title := _title(path)) and INVENTED not in path:
                self._known.setdefault(title.partition(" ")[0], resolve(urlsplit(path).path).kwargs)
        return [path for path in found if not path.endswith("?download")]

    def _path(self, address: Address) -> str:
        if set(values := self._known.get(address.name, {})) == set(address.arguments):
            return reverse(address.name, kwargs=values)
        own = address.name.partition(":")[0]
        rows = sorted(self._known.items(), key=lambda row: row[0].partition(":")[0] != own)
        choices = [
            [*[values[name] for _, values in rows if name in values][:1], *NOBODY]
            for name in address.arguments
        ]
        for chosen in itertools.product(*choices):
            try:
                return reverse(
                    address.name, kwargs=dict(zip(address.arguments, chosen, strict=True))
                )
            except NoReverseMatch:
                continue
        raise AssertionError(f"{address} has arguments of a kind that is not known here")

    def _visit(self, path: str, title: str) -> str:
        answer = self.client.get(path)
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        name = title.partition(" ")[0]
        if answer.status_code == 405:
            self.others[name] = "takes no GET"
        elif answer.is_redirect:
            self.others.setdefault(name, "leads elsewhere")
            there = answer.headers["Location"]
            if there.startswith("/") and _title(there) not in self.pages:
                return self._visit(there, _title(there))
        elif answer.is_success and kind != "text/html":
            self.others[name] = f"is {kind or 'empty'}"
        elif answer.is_success and "<html" not in answer.text[:500]:
            self.others[name] = "is a part of a page"
        elif answer.status_code == 200:
            self.pages[title] = path
            return answer.text
        return ""


def _title(path: str) -> str:
    """The name of a path with those of its arguments that are no ids; empty for what is not one of ours."""
    try:
        match = resolve(urlsplit(path).path)
    except Resolver404:
        return ""
    if not match.namespace:
        return ""
    words = [str(value) for key, value in match.kwargs.items() if key in {"step", "slug"}]
    talk = ["(a conversation)"] if "session=" in urlsplit(path).query else []
    return " ".join([match.view_name, *words, *talk])
