"""The house rules that a linter does not know."""

from __future__ import annotations

import ast
import re

from tests.architecture.sources import modules, templates, tracked_text

VAGUE = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
PRINTING = (
    "studio/cli/",
    "studio/bootstrap.py",
    "studio/serve.py",
    "studio/assets.py",
    "worker/engines/",
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
HANDLERS = re.compile(r"<[^>]*\s(on[a-z]+|hx-on[:a-z-]*|style)\s*=", re.IGNORECASE | re.DOTALL)
INLINE = re.compile(
    r"<style\b|<script\b(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.IGNORECASE
)
ABSOLUTE_URL = re.compile(r"""(?:src|href|action)=["'](?:https?:)?//""")


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


ALONE = "apps/ui/templates/ui/500.html"
"""Must work when nothing else does; its view allows its style by hash."""


def found_in_templates(pattern: re.Pattern[str]) -> list[str]:
    comment = re.compile(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", re.DOTALL)
    result = []
    for path, text in templates():
        if path == ALONE:
            continue
        bare = comment.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
        result += [
            f"{path}:{line_of(bare, hit.start())}: {hit.group()[:80]!r}"
            for hit in pattern.finditer(bare)
        ]
    return result


def test_modules_are_named_for_what_they_hold() -> None:
    assert [m.path for m in modules() if m.parts[-1] in VAGUE] == []


def test_nothing_is_left_unfinished() -> None:
    own = "tests/architecture/"
    names = (".py", ".html", ".js", ".mjs", ".css", ".j2", ".sh", ".yaml", ".yml", "Makefile")
    hits = [
        f"{path}:{line_of(text, hit.start())}: {hit.group()}"
        for path, text in tracked_text()
        if path.endswith(names) and not path.startswith(own)
        for hit in UNFINISHED.finditer(text)
    ]

    assert hits == []


def test_only_programs_print() -> None:
    hits = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        if not module.path.startswith(PRINTING)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]

    assert hits == []


def test_broad_excepts_say_why() -> None:
    """`except Exception` raises again, or gives the reason why it need not in its own line."""
    hits = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
        and not re.search(r"# (noqa: BLE001 - )?\w+ \w+", module.text.splitlines()[node.lineno - 1])
        and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
    ]

    assert hits == []


def test_partials_say_what_they_need() -> None:
    """First line of `_name.html`: `{# One run row. Needs: run. #}`."""
    silent = [
        path
        for path, text in templates()
        if path.rpartition("/")[2].startswith("_") and not re.match(r"\{# .+\. Needs: .+", text)
    ]

    assert silent == []


def test_fragments_have_a_root_with_an_id() -> None:
    """A partial that a view answers with replaces its root, which htmx finds by id."""
    code = "\n".join(one.text for one in modules() if one.name != "studio.style_shelves")
    nameless = []
    for path, text in templates():
        name = path.partition("templates/")[2]
        folder, _, leaf = name.rpartition("/")
        answered = f'"{name}"' in code or f'"{folder}/{leaf[1:].removesuffix(".html")}"' in code
        if not leaf.startswith("_") or not answered:
            continue
        bare = re.sub(r"\{[#%].*?[#%]\}", "", text, flags=re.DOTALL)
        root = re.search(r"<[a-z][^>]*>", bare, re.DOTALL)
        if root and not re.search(r"\sid=", root.group()):
            nameless.append(path)

    assert nameless == []


def test_templates_keep_the_content_security_policy() -> None:
    assert found_in_templates(HANDLERS) == []
    assert found_in_templates(INLINE) == []


def test_templates_load_nothing_from_elsewhere() -> None:
    links = re.compile(
        r"""<(?:script|link|img|iframe|form)\b[^>]*(?:src|href|action)=["'](?:https?:)?//"""
    )

    assert found_in_templates(links) == []


def test_vendored_templates_link_to_vendored_pages_only() -> None:
    vendored = ("runtime", "ui", "accounts", "jobs", "knowledge", "chat")
    url = re.compile(r"""\{%\s*url\s+["']([a-z_]+):[a-z_]+["']""")
    hits = [
        f"{path}: {hit.group()}"
        for path, text in templates()
        if path.startswith(tuple(f"apps/{app}/" for app in vendored))
        for hit in url.finditer(text)
        if hit.group(1) not in vendored
    ]

    assert hits == []
