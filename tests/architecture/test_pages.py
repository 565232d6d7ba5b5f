"""One name per thing: URL name, view, test."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from django.urls import URLPattern, get_resolver

from tests.servers.environment import PROJECT


@cache
def pages() -> dict[str, Any]:
    """Every named address of ours as "app:name", with its view. The API has contract tests."""
    found = {}

    def walk(patterns: list[Any], namespace: str) -> None:
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                if pattern.name and namespace:
                    found[f"{namespace}:{pattern.name}"] = pattern.callback
            elif pattern.namespace != "api":
                walk(pattern.url_patterns, pattern.namespace or namespace)

    walk(get_resolver().url_patterns, "")
    return found


def view_name(view: Any) -> str:
    view = getattr(view, "view_class", view)
    name = getattr(view, "__name__", "")
    return (
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
        .lower()
        .removesuffix("_view")
        .removesuffix("_page")
    )


@cache
def text_of_tests() -> dict[str, str]:
    return {
        path.relative_to(PROJECT).as_posix(): path.read_text(encoding="utf-8")
        for path in (PROJECT / "tests").rglob("*.py")
    }


@pytest.mark.parametrize("name", sorted(pages()))
def test_view_is_called_like_its_url(name: str) -> None:
    leaf = name.partition(":")[2]

    assert view_name(pages()[name]).rstrip("_") == leaf


@pytest.mark.parametrize("name", sorted(pages()))
def test_page_is_tested(name: str) -> None:
    """By name, by its own test file, or by a test function that is called like it."""
    app, _, leaf = name.partition(":")
    folders = {"openai": "chat"}
    home = f"tests/apps/{folders.get(app, app)}/"
    called = re.compile(rf"def test_\w*{leaf}|/{leaf}/|{app}:{leaf}\b")
    mentions = [
        path
        for path, text in text_of_tests().items()
        if (path.startswith((home, "tests/e2e/", "tests/contract/")) and called.search(text))
        or path == f"{home}test_{leaf}.py"
    ]

    assert mentions
