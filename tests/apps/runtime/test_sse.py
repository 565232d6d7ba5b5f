"""The event parser, fed in every possible way."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.runtime.sse import LINE_LIMIT_BYTES, EventParser, ProtocolError

OBJECTS = st.dictionaries(
    st.text(max_size=4), st.one_of(st.text(max_size=12), st.integers(0, 99)), max_size=3
)


def parse(data: bytes, *sizes: int) -> list[dict[str, object]]:
    parser, events, at = EventParser(), [], 0
    for size in [*sizes, len(data)]:
        events += parser.feed(data[at : at + size])
        at += size
    return events + parser.close()


@given(
    st.lists(OBJECTS, max_size=6),
    st.lists(st.integers(1, 20), max_size=40),
    st.sampled_from([b"\n", b"\r\n"]),
    st.sampled_from([b"", b": ping", b"event: x", b"id: 7"]),
    st.sampled_from([b"data: ", b"data:"]),
)
def test_events_survive_any_split(
    objects: list[dict[str, object]], sizes: list[int], eol: bytes, noise: bytes, field: bytes
) -> None:
    lines = [part for item in objects for part in (noise, field + orjson.dumps(item), b"")]

    assert parse(eol.join(lines) + eol, *sizes) == objects


@given(st.binary(max_size=200), st.lists(st.integers(1, 9), max_size=20))
def test_any_bytes_give_events_or_a_protocol_error(data: bytes, sizes: list[int]) -> None:
    try:
        events = parse(data, *sizes)
    except ProtocolError:
        return
    assert all(isinstance(event, dict) for event in events)


def test_an_event_is_given_before_its_blank_line() -> None:
    assert EventParser().feed(b'data: {"a": 1}\n') == [{"a": 1}]


def test_data_over_several_lines_is_one_event() -> None:
    assert parse(b'data: {"a":\ndata: 1}\n\n') == [{"a": 1}]


def test_nothing_is_read_after_done() -> None:
    parser = EventParser()

    assert parser.feed(b'data: {"a": 1}\n\ndata: [DONE]\n\ndata: {"b": 2}\n\n') == [{"a": 1}]
    assert parser.done


def test_a_last_line_without_an_end_counts() -> None:
    assert parse(b'data: {"a": 1}') == [{"a": 1}]


@pytest.mark.parametrize(
    "data",
    [
        b"data: {broken\n\n",
        b"data: [1, 2]\n\n",
        b"data: {broken",
        b"data: \xff\xfe\n\n",
        b"x" * (LINE_LIMIT_BYTES + 1),
    ],
)
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(data)
