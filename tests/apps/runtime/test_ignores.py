"""What an adapter says it ignores changes nothing, and whatever else it is given does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from apps.catalog.domain.catalog import Parameter, components
from apps.runtime.adapters.registry import ADAPTERS
from apps.runtime.events import Passage
from apps.runtime.http import close_sessions
from apps.runtime.media import Media
from apps.runtime.ports import Reply
from apps.runtime.resources import ModelServer, Resources, Turn
from tests.apps.runtime.steps import node, ran
from tests.fakes.opea_server import FakeOpea
from tests.fakes.pictures import png
from tests.fakes.sounds import spoken

TEXT = " ".join(f"On day {n} the club planted {n * 7} trees along canal {n}." for n in range(120))
INPUTS: dict[str, dict[str, Any]] = {
    "llm": {"messages": (Turn("user", "Hello"),)},
    "summarizer": {"text": TEXT, "request": "trees"},
    "speech-recognition": {"audio": Media("audio/wav", spoken("hello"), "a.wav")},
    "speech-synthesis": {"answer": Reply("Hello there.")},
    "vision-model": {"question": "What?", "image": Media("image/png", png(4, 4), "a.png")},
    "rerank": {
        "question": "leave",
        "passages": (
            Passage("c1", "d1", "a.md", "Leave takes thirty days.", 0.9),
            Passage("c2", "d1", "a.md", "Lunch is at noon.", 0.5),
        ),
    },
}
CASES = [
    (name, kind, parameter.name)
    for name in INPUTS
    for kind in components()[name].adapters
    if kind != "openai"
    for parameter in components()[name].parameters
    if parameter.kind != "connection"
]


@pytest.fixture(scope="module")
def opea() -> Iterator[FakeOpea]:
    with FakeOpea() as server:
        yield server


def another(parameter: Parameter) -> Any:
    """A value in its range that is not the default."""
    if parameter.choices:
        return next(one for one in parameter.choices if one != parameter.default)
    if parameter.kind in ("integer", "number"):
        assert parameter.low is not None
        return parameter.low
    return "male" if parameter.name == "voice" else "other"


@pytest.mark.parametrize(("component", "kind", "name"), CASES)
async def test_only_what_is_ignored_changes_nothing(
    component: str, kind: str, name: str, opea: FakeOpea
) -> None:
    row = components()[component]
    server = ModelServer("there", opea.url, kind="opea")
    own = {"server": "there" if kind == "opea" else "builtin"}

    async def seen(value: Any) -> tuple[Any, ...]:
        opea.reset()
        given = {one.name: one.default for one in row.parameters} | own | {name: value}
        one = node("it", component, kind, **{k: v for k, v in given.items() if v is not None})
        done = await ran(one, INPUTS[component], Resources(servers={"there": server}))
        outputs = dict(done.outputs)
        if isinstance(outputs.get("answer"), Reply):
            outputs["answer"] = dataclasses.replace(outputs["answer"], finish_reason="stop")
        return [request.body for request in opea.requests], outputs

    parameter = row.parameter(name)
    before, after = await seen(parameter.default), await seen(another(parameter))
    await close_sessions()

    ignored = ADAPTERS[row.adapter(kind)].ignores
    assert (before == after) == (name in ignored)


def test_what_adapters_say_is_about_parameters_of_their_components() -> None:
    said = {name: adapter.ignores | adapter.most.keys() for name, adapter in ADAPTERS.items()}
    for row in components().values():
        for adapter in row.adapters.values():
            known = {one.name for one in row.parameters}
            assert said.pop(adapter, frozenset()) <= known, (row.id, adapter)
    assert all(not rest for rest in said.values())
