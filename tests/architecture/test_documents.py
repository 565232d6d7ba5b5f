"""The documents name what exists: files, commands, links."""

from __future__ import annotations

import re

import pytest

from tests.architecture.sources import tracked_text
from tests.servers.environment import PROJECT

DOCUMENTS = [
    (path, text)
    for path, text in tracked_text()
    if path.endswith(".md")
    and not path.startswith(("deploy/package/", "tests/", "apps/catalog/guide/"))
]
TREES = ("apps/", "studio/", "worker/", "tests/", "deploy/", "templates/", "static/", ".ci/")
GENERATED = ("static/dist", "artifacts/", "tests/apps/")
WILD = re.compile(r"[*<>{}…$ ]")


def ids(document: tuple[str, str]) -> str:
    return document[0]


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_paths_exist(document: tuple[str, str]) -> None:
    _, text = document
    named = {name for name in re.findall(r"`([^`\n]+)`", text) if name.startswith(TREES)}
    paths = {
        re.split(r"::|:\d", name)[0]
        for name in named
        if not WILD.search(name) and not name.startswith(GENERATED)
    }

    assert sorted(path for path in paths if not (PROJECT / path).exists()) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_make_targets_exist(document: tuple[str, str]) -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    named = set(re.findall(r"`make ([a-z][a-z-]*)", document[1]))

    assert named - targets == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_relative_links_lead_somewhere(document: tuple[str, str]) -> None:
    path, text = document
    folder = (PROJECT / path).parent
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)\s#]+)", text)

    assert [link for link in links if not (folder / link).exists()] == []


def test_api_addresses_in_the_guide_exist() -> None:
    from django.urls import resolve

    guide = "".join(path.read_text() for path in (PROJECT / "apps/catalog/guide").glob("*.md"))
    addresses = set(re.findall(r"localhost:8000(/api/v1/[\w/.-]+)", guide))

    assert addresses
    assert [one for one in addresses if resolve(one).url_name == "unknown"] == []


def test_cli_commands_in_documents_exist() -> None:
    from studio.cli.main import build_parser

    known = set(build_parser()._subparsers._group_actions[0].choices)
    named = {
        command
        for _, text in DOCUMENTS
        for command in re.findall(r"^\s*(?:\$ )?genai-studio ([a-z]+)", text, re.MULTILINE)
    }

    assert named - known == set()


def test_every_make_target_says_what_it_does() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    phony = {
        name
        for line in re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
        for name in line.split()
    }

    assert {name for name in phony if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()
