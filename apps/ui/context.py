"""What the shell around every page needs, worked out only when a template asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class NavItem:
    label: str
    href: str
    icon: str
    current: bool
    count: int


@dataclass
class NavSection:
    title: str
    items: list[NavItem] = field(default_factory=list)


@dataclass(frozen=True)
class Activity:
    """Background work in progress, as the top bar shows it."""

    count: int
    url: str
    label: str


class Shell:
    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @property
    def name(self) -> str:
        return str(settings.SHELL_NAME)

    @property
    def home(self) -> str:
        return _address("home") or "/"

    @property
    def initials(self) -> str:
        words = str(self.request.user).replace(".", " ").replace("@", " ").split()
        return "".join(word[0] for word in words[:2]).upper() or "?"

    @cached_property
    def sections(self) -> list[NavSection]:
        """Items of settings.SHELL_NAVIGATION by section; an item whose pages are not installed is left out."""
        sections: dict[str, NavSection] = {}
        for item in _call("SHELL_NAVIGATION", self.request) or []:
            href = _address(item["url"])
            if href is None:
                continue
            title = item.get("section", "")
            current = self.request.path.startswith(item.get("prefix", href))
            section = sections.setdefault(title, NavSection(title))
            section.items.append(
                NavItem(item["label"], href, item["icon"], current, item.get("count", 0))
            )
        return list(sections.values())

    @property
    def help(self) -> str:
        """The address of what explains this page, from settings.SHELL_HELP; "" where nothing does."""
        return str(_call("SHELL_HELP", self.request) or "")

    @cached_property
    def activity(self) -> Activity | None:
        """From settings.SHELL_ACTIVITY, a dotted function of the request giving count, url (name) and label."""
        shown = _call("SHELL_ACTIVITY", self.request)
        href = _address(shown["url"]) if shown else None
        return Activity(shown["count"], href, shown["label"]) if href else None


def shell(request: HttpRequest) -> dict[str, Any]:
    return {"shell": Shell(request)}


def _address(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


def _call(setting: str, request: HttpRequest) -> Any:
    dotted = getattr(settings, setting, "")
    if not dotted or not getattr(request, "user", None) or not request.user.is_authenticated:
        return None
    function: Callable[[HttpRequest], Any] = import_string(dotted)
    return function(request)
