"""Whatever a file holds: an answer, every note at a place, no secret in it. `make bench imports` says how long
the slowest file takes."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.projects.domain.importers.importing import Imported, import_bytes, import_text
from apps.projects.domain.yaml_io import dump, parse
from tests.apps.projects.importers.samples import SAMPLES, heavy
from tests.servers.watchdog import no_hang

PLANTED = "planted-Secret-0815"
SECRET_KEYS = (
    "huggingFaceToken",
    "openaiApiKey",
    "api_key",
    "password",
    "HF_TOKEN",
    "client_secret",
)
VALUES = [
    value
    for path in SAMPLES
    for value in [next(one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one)]
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(
        ["", "NA", "{{a.data.instance}}", "{{chat_input_0.data.instance}}", "root", "==", "true"]
    )
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=8,
)
quick = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A sample with up to five values replaced, removed, renamed, doubled or taken from elsewhere."""
    value = copy.deepcopy(draw(st.sampled_from(VALUES)))
    for _ in range(draw(st.integers(1, 5))):
        path = draw(st.sampled_from([one for one in places(value) if one] or [()]))
        if not path:
            break
        holder = value
        for part in path[:-1]:
            holder = holder[part]
        key = path[-1]
        what = draw(st.sampled_from(["replace", "remove", "rename", "double", "swap"]))
        if what == "remove":
            del holder[key]
        elif what == "rename" and isinstance(holder, dict):
            holder[
                draw(st.text(max_size=12) | st.sampled_from(["id", "nodes", "data", "type"]))
            ] = holder.pop(key)
        elif what == "double" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif what == "swap":
            other = value
            for part in draw(st.sampled_from(places(value))):
                other = other[part]
            holder[key] = copy.deepcopy(other)
        else:
            holder[key] = draw(ANYTHING)
    return value


def check(result: Imported, text: str) -> None:
    lines = text.count("\n") + 1
    assert result.spec is not None or any(one.severity == "error" for one in result.notes)
    for note in result.notes:
        assert 1 <= note.line <= lines
        assert note.column >= 1
        note.message.encode("utf-8")


def run(text: str) -> Imported:
    with no_hang():
        result = import_text(text, "fuzz")
    check(result, text)
    return result


@quick
@given(mutated())
def test_mutated_samples_as_json(value: Any) -> None:
    result = run(json.dumps(value))

    if result.spec is not None:
        assert parse(dump(result.spec)) == (result.spec, [])


@quick
@given(mutated())
def test_mutated_samples_as_yaml(value: Any) -> None:
    run(yaml.safe_dump(value, allow_unicode=True))


@quick
@given(mutated(), st.data())
def test_planted_secrets_never_survive(value: Any, data: st.DataObject) -> None:
    blocks = [one for one in places(value) if isinstance(at(value, one), dict)]
    for _ in range(3):
        holder = at(value, data.draw(st.sampled_from(blocks))) if blocks else {}
        holder[data.draw(st.sampled_from(SECRET_KEYS))] = PLANTED
    texts = [one for one in places(value) if isinstance(at(value, one), str) and one]
    for path in data.draw(st.lists(st.sampled_from(texts), max_size=4)) if texts else []:
        at(value, path[:-1])[path[-1]] += f" {PLANTED} "

    result = run(json.dumps(value))

    made = dump(result.spec) if result.spec else ""
    assert PLANTED not in made + str(result.notes)


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


@quick
@given(st.sampled_from(SAMPLES), st.data())
def test_torn_bytes(path: Any, data: st.DataObject) -> None:
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(raw)))
        raw[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=12))

    with no_hang():
        result = import_bytes(bytes(raw), "torn")

    check(result, raw.decode("utf-8", "replace"))


@quick
@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    with no_hang():
        result = import_text(text)

    assert result.notes or result.spec is not None


@pytest.mark.parametrize("name", heavy())
def test_files_at_the_limits_do_not_hang(name: str) -> None:
    text = heavy()[name]

    run(text)
