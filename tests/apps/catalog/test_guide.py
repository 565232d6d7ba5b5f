from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from apps.catalog.domain.catalog import components
from apps.catalog.guide_pages import PICTURES, guide_page, guide_pages

SUBJECTS = [
    "start", "describe", "canvas", "components", "yaml", "versions", "share", "import", "safety", "connections",
    "knowledge", "try", "evaluate", "benchmark", "ship",
    "command-line", "api", "jobs", "accounts",
]  # fmt: skip


def test_guide_has_every_subject_in_order() -> None:
    assert [page.slug for page in guide_pages()] == SUBJECTS


@pytest.mark.parametrize("page", guide_pages(), ids=lambda page: page.slug)
def test_guide_page_is_shown(owner_client: Client, page) -> None:
    response = owner_client.get(reverse("catalog:guide", args=[page.slug]))

    assert response.status_code == 200
    text = response.content.decode()
    assert f"<h1>{page.title}</h1>" in text
    assert text.count("<h1") == 1


def test_pictures_are_there_small_and_used() -> None:
    named = {
        name
        for page in guide_pages()
        for name in re.findall(r"\]\(pictures/([a-z-]+\.webp)\)", page.body)
    } | {Path(page.picture).name for page in guide_pages() if page.picture}
    files = {path.name: path.stat().st_size for path in PICTURES.glob("*.webp")}

    assert named - set(files) == set()
    assert set(files) - named == set()
    assert max(files.values()) < 70_000


def test_pictures_in_the_text_are_served_by_this_site(owner_client: Client) -> None:
    text = owner_client.get(reverse("catalog:guide", args=["try"])).content.decode()

    assert '<img src="/static/pictures/trace' in text


def test_guide_begins_with_the_first_page(owner_client: Client) -> None:
    response = owner_client.get(reverse("catalog:guide"))

    assert response.context["shown"].slug == "start"


def test_guide_as_a_fragment(owner_client: Client) -> None:
    response = owner_client.get(reverse("catalog:guide"), headers={"HX-Request": "true"})

    assert response.content.decode().lstrip().startswith('<div id="guide"')


def test_guide_page_that_does_not_exist(owner_client: Client) -> None:
    assert owner_client.get(reverse("catalog:guide", args=["nothing"])).status_code == 404


def test_guide_is_read_only(owner_client: Client) -> None:
    assert owner_client.post(reverse("catalog:guide")).status_code == 405


def test_guide_names_commands_that_exist() -> None:
    from studio.cli.main import build_parser

    known = set(build_parser()._subparsers._group_actions[0].choices)
    named = {
        word for page in guide_pages() for word in re.findall(r"genai-studio ([a-z]+)", page.body)
    }

    assert named - known == set()


def test_the_page_of_components_says_what_the_catalog_says() -> None:
    page = guide_page("components")
    assert page is not None

    for row in components().values():
        assert f"### {row.title}\n\n{row.summary} In files `{row.id}`" in page.body
        for port in (*row.inputs, *row.outputs):
            assert f"`{port.name}`" in page.body
        for one in row.parameters:
            assert f"| {one.title} (`{one.name}`) |" in page.body
            assert not one.setting or f"`spec.{one.setting}`" in page.body
