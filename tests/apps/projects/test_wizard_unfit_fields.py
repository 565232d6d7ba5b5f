"""What an automatic save answers about values that do not fit: said beside each field, taken back once mended."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from apps.connections.models import Endpoint
from apps.projects.domain.steps import SLUGS
from apps.projects.models import Project
from tests.apps.projects.test_wizard import HTMX, PARAMETERS, address, send

PLACE = re.compile(r'<div id="(\w+)_errors" class="grid gap-0.5 empty:hidden"([^>]*)>(.*?)</div>')
STEPS_WITH_FIELDS = [slug for slug in SLUGS if slug != "review"]


def places(html: str) -> dict[str, str]:
    """Field ids of the form and what is said at them."""
    return {name: said for name, mark, said in PLACE.findall(html) if "data-errors-of" in mark}


def swapped(html: str) -> set[str]:
    return {name for name, mark, _ in PLACE.findall(html) if 'hx-swap-oob="true"' in mark}


@pytest.mark.parametrize("step", STEPS_WITH_FIELDS)
def test_every_field_has_the_place_that_an_answer_fills(
    owner_client: Client, ready: Project, endpoint: Endpoint, step: str
) -> None:
    page = owner_client.get(address(ready, step))
    answer = send(owner_client, ready, step, {}, headers=HTMX).content.decode()

    fields = {field.auto_id for field in page.context["form"]}
    assert set(places(page.content.decode())) == fields
    assert swapped(answer) == fields
    assert not swapped(page.content.decode())


def test_an_unfit_value_is_told_at_its_field_and_nowhere_else(
    owner_client: Client, ready: Project
) -> None:
    unfit = PARAMETERS | {"temperature": "9"}

    said = places(send(owner_client, ready, "parameters", unfit, headers=HTMX).content.decode())

    assert "It must be" in said.pop("wizard_temperature")
    assert set(said.values()) == {""}


def test_an_answer_brings_no_field_that_would_lose_its_focus(
    owner_client: Client, ready: Project
) -> None:
    unfit = PARAMETERS | {"temperature": "9"}

    answer = send(owner_client, ready, "parameters", unfit, headers=HTMX).content.decode()

    assert 'id="wizard_temperature"' not in answer


def test_the_mended_value_takes_the_message_back(owner_client: Client, ready: Project) -> None:
    send(owner_client, ready, "parameters", PARAMETERS | {"temperature": "9"}, headers=HTMX)

    answer = send(owner_client, ready, "parameters", PARAMETERS, headers=HTMX).content.decode()

    assert "wizard_temperature" in swapped(answer)
    assert set(places(answer).values()) == {""}


def test_a_page_opened_with_an_unfit_value_marks_it(owner_client: Client, ready: Project) -> None:
    send(owner_client, ready, "parameters", PARAMETERS | {"temperature": "9"}, headers=HTMX)

    page = owner_client.get(address(ready, "parameters")).content.decode()

    field = re.search(r'<input[^>]* id="wizard_temperature"[^>]*>', page)
    assert field and 'aria-invalid="true"' in field.group()
    assert 'aria-describedby="wizard_temperature_help wizard_temperature_errors"' in field.group()
    assert "It must be" in places(page)["wizard_temperature"]
