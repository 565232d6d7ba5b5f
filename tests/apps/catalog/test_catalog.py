"""The catalog says what the spec, the runtime and the wizard say."""

from __future__ import annotations

from typing import get_args

import pytest

from apps.catalog.domain.catalog import application, applications, components
from apps.projects.domain.shape import range_at
from apps.projects.domain.spec import ApplicationId
from apps.projects.domain.starter import TITLES
from apps.projects.domain.validate import AVAILABLE
from apps.runtime.components import COMPONENTS
from apps.ui.icons import PATHS

PLACES = {
    ("llm", "temperature"): "spec.parameters.temperature",
    ("llm", "top_k"): "spec.parameters.top_k",
    ("llm", "max_tokens"): "spec.parameters.max_tokens",
    ("retriever", "k"): "spec.knowledge.retrieve.k",
}


def test_applications_are_those_of_the_spec() -> None:
    assert [row.id for row in applications()] == list(get_args(ApplicationId))
    assert {row.id: row.title for row in applications() if row.id != "custom"} == {
        key: title for key, title in TITLES.items() if key != "custom"
    }


def test_available_applications_are_those_that_build() -> None:
    assert tuple(row.id for row in applications() if row.available) == AVAILABLE


def test_application_of_unknown_id_is_an_error() -> None:
    with pytest.raises(KeyError):
        application("chatbot")


def test_components_have_the_ports_of_the_runtime() -> None:
    described = {
        row.id: (
            {port.name: (port.type, port.required) for port in row.inputs},
            {port.name: port.type for port in row.outputs},
        )
        for row in components().values()
    }

    assert described == {
        row.id: (
            {name: (port.type, port.required) for name, port in row.inputs.items()},
            {name: port.type for name, port in row.outputs.items()},
        )
        for row in COMPONENTS.values()
    }


@pytest.mark.parametrize(("place", "path"), PLACES.items())
def test_ranges_are_those_of_the_spec(place: tuple[str, str], path: str) -> None:
    component, name = place
    parameter = components()[component].parameter(name)
    allowed = range_at(tuple(path.split(".")))

    assert allowed is not None
    assert (parameter.low, parameter.high) == (allowed.low, allowed.high)


def test_icons_exist() -> None:
    used = {row.icon for row in applications()} | {row.icon for row in components().values()}

    assert used - set(PATHS) == set()
