"""The catalog says what the spec, the runtime and the wizard say."""

from __future__ import annotations

from typing import get_args

import pytest

from apps.catalog.domain.catalog import application, applications, blueprints, components
from apps.projects.domain.blueprints import AVAILABLE, CONDITIONS
from apps.projects.domain.flow_findings import unfit
from apps.projects.domain.shape import field_at, range_at
from apps.projects.domain.spec import ApplicationId
from apps.projects.domain.starter import TITLES
from apps.runtime.adapters.registry import ADAPTERS
from apps.runtime.format_1 import ADAPTERS as FORMAT_1
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


def test_every_adapter_exists_and_takes_the_parameters() -> None:
    for row in components().values():
        for adapter in row.adapters.values():
            fields = set(ADAPTERS[adapter].params.model_fields)
            assert {one.name for one in row.parameters} <= fields, (row.id, adapter)


def test_format_1_means_what_the_catalog_says() -> None:
    for component, (adapter, inputs, outputs) in FORMAT_1.items():
        row = components()[component]
        assert adapter in row.adapters.values()
        assert inputs.items() <= {port.name: port.written for port in row.inputs}.items()
        assert outputs.items() <= {port.name: port.type for port in row.outputs}.items()


def test_defaults_lie_in_their_ranges() -> None:
    for row in components().values():
        for one in row.parameters:
            value = [*one.default] if isinstance(one.default, tuple) else one.default
            assert value is None or not value or unfit(one, value) == "", (row.id, one.name)


def test_settings_are_places_of_the_spec() -> None:
    for row in components().values():
        for one in row.parameters:
            if one.setting:
                assert field_at(("spec", *one.setting.split("."))), (row.id, one.name, one.setting)


def test_blueprints_are_graphs_that_run() -> None:
    for application_id, blueprint in blueprints().items():
        assert application(application_id).available
        assert {node.when for node in blueprint.nodes} - {""} <= CONDITIONS.keys()
        for node in blueprint.nodes:
            assert node.component in components(), (application_id, node.id)


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
