from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from apps.benchmarks.domain.stream import parse_stream


def event(**delta: object) -> bytes:
    return (
        b"data: " + orjson.dumps({"choices": [{"delta": delta, "finish_reason": None}]}) + b"\n\n"
    )


FINISH = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5}}\n\n'
DONE = b"data: [DONE]\n\n"
WHOLE = event(role="assistant") + event(content="a") + event(content=" b") + FINISH + USAGE + DONE


def test_tokens_are_timed_by_the_chunk_that_completes_them() -> None:
    parsed = parse_stream(
        [
            (1, event(role="assistant")),
            (2, event(content="a")),
            (3, event(content="b") + FINISH + DONE),
        ]
    )

    assert parsed.times_ns == [2, 3]
    assert parsed.complete


def test_an_event_cut_in_two_counts_when_it_is_whole() -> None:
    half = event(content="a")

    assert parse_stream([(1, half[:9]), (2, half[9:])]).times_ns == [2]


def test_usage_and_reasoning_are_read() -> None:
    parsed = parse_stream([(1, event(reasoning_content="hm")), (2, USAGE)])

    assert (parsed.times_ns, parsed.completion_tokens, parsed.prompt_tokens) == ([1], 5, 7)


def test_a_stream_without_its_end_is_not_complete() -> None:
    assert not parse_stream([(1, event(content="a") + DONE)]).complete
    assert not parse_stream([(1, event(content="a") + FINISH)]).complete


def test_error_events_and_garbage_are_told() -> None:
    assert (
        parse_stream([(1, b'data: {"error":{"message":"out of memory"}}\n\n')]).error
        == "out of memory"
    )
    assert parse_stream([(1, b'data: {"choices": [{"del\n\n')]).error
    assert parse_stream([(1, b"data: 7\n\n")]).error


@given(st.lists(st.integers(1, len(WHOLE) - 1), max_size=12, unique=True))
def test_where_chunks_are_cut_changes_nothing_but_times(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(WHOLE)]
    chunks = [(n, WHOLE[a:b]) for n, (a, b) in enumerate(zip(places, places[1:], strict=False))]

    parsed = parse_stream(chunks)

    assert (len(parsed.times_ns), parsed.completion_tokens, parsed.complete) == (2, 5, True)


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    parse_stream([(1, b"data: " + data + b"\n")])
