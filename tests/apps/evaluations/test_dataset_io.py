from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.evaluations.domain import dataset_io
from apps.evaluations.domain.dataset_io import parse_dataset


def codes(data: bytes | str, name: str = "") -> list[tuple[str, int]]:
    raw = data.encode() if isinstance(data, str) else data
    return [
        (item.code.removeprefix("dataset."), item.line)
        for item in parse_dataset(raw, name).findings
    ]


def texts(data: bytes | str, name: str = "") -> list[str]:
    raw = data.encode() if isinstance(data, str) else data
    return [item.text for item in parse_dataset(raw, name).questions]


def test_csv_with_every_column() -> None:
    data = (
        "Question,Reference Answer,Relevant documents,Evidence\n"
        '"How long, please?",14 days || two weeks,a.md;b.md,within 14 days\n'
    )

    parsed = parse_dataset(data.encode(), "q.csv")

    (question,) = parsed.questions
    assert parsed.format == "csv"
    assert parsed.findings == ()
    assert question.text == "How long, please?"
    assert question.references == ("14 days", "two weeks")
    assert question.relevant == ("a.md", "b.md")
    assert question.evidence == ("within 14 days",)
    assert question.line == 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_delimiter_is_found(delimiter: str) -> None:
    data = f"question{delimiter}answer\nWhat, if; anything?{delimiter}x\n"
    if delimiter in ",;":
        data = data.replace("What, if; anything?", '"What, if; anything?"')

    assert texts(data) == ["What, if; anything?"]


def test_csv_of_one_column_may_hold_commas() -> None:
    assert texts("question\nWhat, where, when?\n") == ["What, where, when?"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_csv_character_set_is_found(encoding: str) -> None:
    lines = ["question,answer"] + [
        f"Wie lange gilt die Übergangsfrist für Größe {n}?,fünf" for n in range(5)
    ]

    assert (
        texts("\r\n".join(lines).encode(encoding))[0]
        == "Wie lange gilt die Übergangsfrist für Größe 0?"
    )


def test_csv_line_numbers_count_lines_within_cells() -> None:
    data = 'question,answer\n"two\nlines",x\n\n,no question\n'

    assert codes(data) == [("empty-question", 5)]


def test_csv_with_an_open_quote_names_the_line_of_its_row() -> None:
    assert codes('question,answer\nok,x\n"open,x\n') == [("csv", 3)]


def test_csv_row_with_too_many_cells() -> None:
    assert codes("question,answer\na,b,c\n") == [("columns", 2)]


def test_csv_with_a_column_twice() -> None:
    assert codes("question,Question\na,b\n") == [("columns", 1)]


@pytest.mark.parametrize(
    ("data", "name", "line"),
    [
        ("q,answer\nx,y\n", "a.csv", 1),
        ('{"text": "x"}\n', "a.jsonl", 1),
        ('\n[\n {"text": "x"}]', "a.json", 3),
    ],
)
def test_missing_question_column(data: str, name: str, line: int) -> None:
    assert codes(data, name) == [("missing-column", line)]


def test_jsonl_lists_numbers_and_squad_answers() -> None:
    lines = [
        {"query": "a", "answers": {"text": ["x", "y"], "answer_start": [1, 2]}},
        {"query": "b", "answers": [{"text": "z"}], "sources": ["d.md"]},
        {"query": "c", "answers": 42},
        {"query": "d", "answers": None},
    ]

    parsed = parse_dataset("\n".join(map(json.dumps, lines)).encode(), "q.jsonl")

    assert [item.references for item in parsed.questions] == [("x", "y"), ("z",), ("42",), ()]
    assert [(item.code, item.line) for item in parsed.findings] == [("dataset.no-reference", 4)]


def test_jsonl_broken_line_is_named_and_nothing_is_taken() -> None:
    data = '{"question": "a", "answer": "b"}\n{"question": oops}\n'

    assert codes(data, "q.jsonl") == [("json", 2)]
    assert texts(data, "q.jsonl") == []


def test_jsonl_is_recognised_whatever_the_name() -> None:
    data = '{"question": "a", "answer": "b"}\n{"question": "c", "answer": "d"}\n'

    assert texts(data, "q.json") == texts(data, "q.txt") == ["a", "c"]


@pytest.mark.parametrize("shape", ["{}", '{{"meta": {{"questions": 1}}, "data": {}}}'])
def test_json_list_alone_or_under_a_key(shape: str) -> None:
    rows = '[\n{"question": "a", "answer": "b"},\n{"question": "", "answer": "d"}]'

    assert codes(shape.format(rows), "q.json") == [("empty-question", 3)]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("{", "json"),
        ("[1, 2]", "json"),
        ('"text"', "json"),
        ('{"a": 1}', "missing-column"),
        ("[" * 100_000, "json"),
        ('[{"question": {"deep": 1}}]', "bad-value"),
        ('[{"question": "a\\u0000b"}]', "bad-value"),
        ('[{"question": "\\ud800"}]', "bad-value"),
        ("[]", "empty"),
    ],
)
def test_json_that_is_no_dataset(data: str, code: str) -> None:
    found = codes(data, "q.json")

    assert code in [name for name, _ in found]
    assert texts(data, "q.json") == []


def test_duplicates_become_one_question_with_all_references() -> None:
    parsed = parse_dataset(b"question,answer\nWho?,Ann\nwho? ,Bob\n", "q.csv")

    assert [(item.text, item.references) for item in parsed.questions] == [("Who?", ("Ann", "Bob"))]
    assert [(item.code, item.severity, item.line) for item in parsed.findings] == [
        ("dataset.duplicate", "warning", 3)
    ]


def test_no_references_and_unused_columns_are_said() -> None:
    assert codes("question,difficulty\na,hard\n") == [("no-references", 1), ("unknown-column", 1)]


def test_limit_of_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_io, "MAX_QUESTIONS", 2)

    assert codes("question,answer\na,1\nb,2\nc,3\n") == [("too-many", 4)]


def test_ten_thousand_questions_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"question": f"q {n}", "answer": "a"} for n in range(10_000)]

    assert len(texts(json.dumps(rows, indent=1), "q.json")) == 10_000


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"question,answer\n", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\xff", "not-text"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00\xff\xfe", "not-text"),
    ],
)
def test_files_without_questions(data: bytes, code: str) -> None:
    assert [name for name, _ in codes(data)] == [code]


def test_too_large_a_file_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset_io, "MAX_BYTES", 10)

    assert codes("question\nlonger than that\n") == [("too-large", 0)]


@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.json", "a.jsonl", ""]))
def test_any_bytes_are_read_or_refused_in_words(data: bytes, name: str) -> None:
    parsed = parse_dataset(data, name)

    assert bool(parsed.questions) is not bool(parsed.errors)


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=10)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["question", "answer", "relevant", "other"]),
            VALUES | st.lists(VALUES | st.just({"text": "x"}) | st.just({"a": 1}), max_size=3),
        ),
        max_size=5,
    )
)
def test_any_json_is_read_or_refused_in_words(rows: list[dict[str, object]]) -> None:
    parsed = parse_dataset(json.dumps(rows).encode(), "q.json")

    assert bool(parsed.questions) is not bool(parsed.errors)
