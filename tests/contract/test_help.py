"""Every page of the studio leads to the section of the guide that tells about it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from apps.accounts.models import User
from apps.catalog.guide_links import HELP, STEPS
from apps.catalog.guide_pages import guide_page, guide_pages
from apps.projects.domain.steps import SLUGS
from tests.conftest import _client_of
from tests.contract.addresses import (
    addresses,
    collection,
    dataset,
    make_bench,
    make_run,
    project,
    rows,
    url_of,
    version,
)

__all__ = ["collection", "dataset", "make_bench", "make_run", "project", "rows", "version"]

WITHOUT = {"ui:style_guide"}
"""Pages for those who build the studio."""


@pytest.mark.django_db
def test_every_page_has_its_section(rows: dict[str, Any], owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_superuser=True, is_staff=True)
    browser = _client_of(owner)
    missing = set()

    for address in addresses():
        if address.for_programs or set(address.arguments) & {"token", "slug"}:
            continue
        answer = browser.get(url_of(address, rows))
        whole = not answer.streaming and b'class="crumbs"' in answer.content
        if answer.status_code == 200 and whole and b"Help for this page" not in answer.content:
            missing.add(address.name)

    assert missing == WITHOUT


@pytest.mark.parametrize("place", sorted({*HELP.values(), *STEPS.values()}))
def test_the_section_exists(place: str) -> None:
    slug, _, anchor = place.partition("#")
    page = guide_page(slug)

    assert page is not None
    assert anchor in {section.anchor for section in page.sections}


def test_names_of_pages_and_steps_exist() -> None:
    assert set(HELP) - {address.name for address in addresses()} == set()
    assert set(STEPS) - set(SLUGS) == set()


def test_links_within_the_guide_lead_somewhere() -> None:
    for page in guide_pages():
        for slug, anchor in re.findall(r"\]\(/guide/([a-z-]+)/(?:#([a-z0-9-]+))?\)", page.body):
            target = guide_page(slug)
            assert target is not None, (page.slug, slug)
            assert not anchor or anchor in {one.anchor for one in target.sections}
