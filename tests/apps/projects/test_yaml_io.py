"""Project files: read with places, written with comments kept."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.projects.domain import yaml_nodes
from apps.projects.domain.ops import assign
from apps.projects.domain.spec import ApplicationId
from apps.projects.domain.yaml_io import brief, dump, merge, parse, starter
from apps.projects.domain.yaml_nodes import MAX_BYTES
from tests.apps.projects.specs import TEXT, spec
from tests.servers.watchdog import no_hang

MINIMAL = """\
apiVersion: genai.studio/v1
kind: Project
metadata: {name: a}
spec: {application: qna}
"""


def found(text: str) -> list[tuple[str, int, int]]:
    return [(one.code, one.line, one.column) for one in parse(text)[1]]


@pytest.mark.parametrize("application", get_args(ApplicationId))
def test_starter_is_valid_for_every_application(application: str) -> None:
    made, findings = parse(starter(application, "my-project"))

    assert findings == []
    assert made is not None
    assert (made.spec.application, made.metadata.name) == (application, "my-project")


def test_starter_explains_its_settings() -> None:
    assert sum("#" in line for line in TEXT.splitlines()) > 20


def test_minimal_file_has_all_defaults() -> None:
    made = parse(MINIMAL)[0]

    assert made is not None
    assert made.spec.parameters.top_k == 40


# What is wrong, and where --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("temperature: 0.2", "temprature: 0.2"), ("spec.key.unknown", 21, 5)),
        (("temperature: 0.2", "temperature: 3"), ("spec.value.out-of-range", 21, 18)),
        (("temperature: 0.2", "temperature: hot"), ("spec.value.type", 21, 18)),
        (("temperature: 0.2", 'temperature: "0.2"'), ("spec.value.type", 21, 18)),
        (("temperature: 0.2", "temperature: .nan"), ("spec.value.type", 21, 18)),
        (("temperature: 0.2", "temperature: true"), ("spec.value.type", 21, 18)),
        (("top_k: 40", "top_k: 40.5"), ("spec.value.type", 23, 12)),
        (("top_p: 0.9", "top_p: 0"), ("spec.value.out-of-range", 22, 12)),
        (("os: debian-12", "os: debian"), ("spec.value.choice", 43, 9)),
        (("connection: builtin", "connection: My Server"), ("spec.value.name", 16, 17)),
        (("collections: [hr-helpdesk]", "collections: handbook"), ("spec.value.type", 30, 18)),
        (("collections: [hr-helpdesk]", "collections: [a, B!]"), ("spec.value.name", 30, 22)),
        (("  application: qna\n", ""), ("spec.key.missing", 10, 1)),
        (("kind: Project", "kind: Pod"), ("spec.value.choice", 3, 7)),
        (("genai.studio/v1", "genai.studio/v9"), ("spec.api-version.unknown", 2, 13)),
        (("    name: extractive", "    name: extractive\n    name: b"), ("spec.yaml.duplicate-key", 18, 5)),
        (("port: 8080", "port: &p 8080"), ("spec.yaml.alias", 57, 11)),
        (("port: 8080", "port: *p"), ("spec.yaml.alias", 57, 11)),
        (("port: 8080", "port: !!int 8080"), ("spec.yaml.tag", 57, 11)),
        (("port: 8080", "port: !!python/object:os.system {}"), ("spec.yaml.tag", 57, 11)),
        (("port: 8080", 'port: "\\0"'), ("spec.yaml.character", 57, 11)),
        (("kind: Project", "kind: Project\n---"), ("spec.yaml.several-documents", 4, 1)),
        (("  application: qna", "\tapplication: qna"), ("spec.yaml.syntax", 11, 1)),
        (("title: ", "title: a: "), ("spec.yaml.syntax", 7, 11)),
        (("metadata:", "metadata: ["), ("spec.yaml.syntax", 7, 3)),
    ],
)  # fmt: skip
def test_finding_has_line_and_column(
    change: tuple[str, str], expected: tuple[str, int, int]
) -> None:
    text = TEXT.replace(*change, 1)
    assert text != TEXT

    assert expected in found(text)


def test_finding_says_what_is_allowed_and_what_was_meant() -> None:
    text = TEXT.replace("temperature: 0.2", "temprature: 3").replace("os: debian-12", "os: debian")
    messages = [one.message for one in parse(text)[1]]

    assert messages == [
        "The key “temprature” is not known in spec.parameters. Did you mean temperature?",
        "spec.deployment.os is “debian”. Use one of ubuntu-24.04, debian-12, rhel-9. "
        "Did you mean debian-12?",
    ]


def test_empty_keys_mean_not_set() -> None:
    made, findings = parse(MINIMAL.replace("{application: qna}", "{application: qna, knowledge: }"))

    assert (findings, made) == ([], parse(MINIMAL)[0])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "spec.document.empty"),
        ("# nothing", "spec.document.empty"),
        ("- a", "spec.value.type"),
        ("just text", "spec.value.type"),
        ("a: 1", "spec.key.missing"),
        ("x" * (MAX_BYTES + 1), "spec.document.too-large"),
        ("#\n" * 30_000, "spec.document.too-large"),
        ("a: " + "x " * 200_000, "spec.document.too-large"),
        ("".join(f"k{number}: 1\n" for number in range(14_000)), "spec.document.too-large"),
        ("[" * 10_000, "spec.yaml.too-deep"),
        ("- " * 10_000, "spec.yaml.too-deep"),
        ("{a: " * 10_000, "spec.yaml.too-deep"),
        ("? " * 10_000, "spec.yaml.key"),
        ("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "spec.yaml.alias"),
        ("[a]: b", "spec.yaml.key"),
        ('a: "\\uD800"', "spec.yaml.character"),
        ("a: \x07", "spec.yaml.character"),
        ('a: "\\UFFFFFFFF"', "spec.yaml.syntax"),
        ("%YAML 9.9\n---\na", "spec.yaml.syntax"),
        ("a: b\n" + "# c\n" * 19_000 + "d: [", "spec.yaml.syntax"),
        ("a: " + "x " * 60_000 + "\u2028", "spec.yaml.character"),
        ("a: " + "x " * 60_000 + "\x07", "spec.yaml.character"),
    ],
)
def test_document_is_refused_without_a_hang(text: str, code: str) -> None:
    with no_hang():
        made, findings = parse(text)

    assert (made, [one.code for one in findings]) == (None, [code])
    assert findings[0].line >= 1 or code in {"spec.document.empty"}


def test_many_problems_are_listed_up_to_a_limit() -> None:
    keys = "".join(f"  wrong_{number}: 1\n" for number in range(2_000))
    text = "apiVersion: genai.studio/v1\nkind: Project\nmetadata: {name: a}\n"
    with no_hang():
        findings = parse(text + f"spec:\n  application: qna\n{keys}")[1]

    assert len(findings) == 101


def test_the_largest_flow_is_read() -> None:
    nodes = "".join(
        f"      - {{id: n-{number}, component: llm, title: T, params: {{top_k: 4, top_p: 0.5, seed: 1, "
        f"temperature: 1, max_tokens: 9}}}}\n"
        for number in range(500)
    )
    edges = "".join(
        f"      - {{from: n-{number % 500}.answer, to: n-{number % 499}.messages}}\n"
        for number in range(2_000)
    )
    places = "".join(f"    n-{number}: {{x: {number}, y: 0}}\n" for number in range(500))
    text = MINIMAL.replace("spec: {application: qna}\n", "spec:\n  application: custom\n")
    made, findings = parse(
        f"{text}  flow:\n    nodes:\n{nodes}    edges:\n{edges}  layout:\n{places}"
    )

    assert findings == []
    assert made is not None
    assert made.spec.flow is not None
    assert (len(made.spec.flow.nodes), len(made.spec.flow.edges)) == (500, 2_000)


@pytest.mark.parametrize("text", [TEXT, MINIMAL, TEXT.replace("\n", "\r\n")])
def test_both_parsers_find_the_same_values_at_the_same_places(text: str) -> None:
    fast, slow = yaml_nodes.read(text), yaml_nodes.read(f"%YAML 1.2\n---\n{text}")

    assert fast.value == slow.value
    assert {path: (place.line + 2, place.column) for path, place in fast.places.items()} == {
        path: (place.line, place.column) for path, place in slow.places.items()
    }


# Writing -------------------------------------------------------------------------------------------


def test_dump_reads_back() -> None:
    made = spec(instruction="Two\nlines: yes", metadata__title="2024-01-01")

    assert parse(dump(made)) == (made, [])


@pytest.mark.parametrize(
    "odd", ["\x85", "\u2028", "\ufeff", "\x7f", "\t", "a\r\nb", "a: b", "a #b", "~"]
)
def test_odd_texts_read_back_however_they_were_written(odd: str) -> None:
    made = spec(instruction=f"{odd}\nline {odd}", metadata__title=odd)

    assert [parse(text)[0] for text in (dump(made), brief(made), merge(TEXT, made))] == [made] * 3


def test_merge_of_nothing_changes_no_byte() -> None:
    odd = TEXT.replace("\n", "\r\n").replace("kind: Project", "kind:   'Project'   # odd")
    made = parse(odd)[0]

    assert made is not None
    assert merge(odd, made) == odd


def test_merge_changes_one_line_and_keeps_the_rest() -> None:
    edited = merge(TEXT, spec(deployment__port=9000))
    different = [
        (before, after)
        for before, after in zip(TEXT.splitlines(), edited.splitlines(), strict=True)
        if before != after
    ]

    assert different == [("    port: 8080", "    port: 9000")]


def test_merge_keeps_comments_of_items_that_stay() -> None:
    text = TEXT.replace(
        "collections: [hr-helpdesk]", "collections:\n      - hr-helpdesk  # rules\n      - old"
    )
    edited = merge(text, spec(knowledge__collections=["hr-helpdesk", "new"]))

    assert "- hr-helpdesk  # rules\n      - new\n" in edited
    assert "old" not in edited


def test_merge_adds_only_what_differs_from_the_default() -> None:
    made = parse(MINIMAL)[0]
    assert made is not None
    edited = merge(MINIMAL, assign(made, {"parameters.top_k": 50}))

    assert edited == MINIMAL.replace(
        "{application: qna}", "{application: qna, parameters: {top_k: 50}}"
    )


def test_merge_into_an_empty_list_stays_on_its_line() -> None:
    text = TEXT.replace("[hr-helpdesk]", "[]")

    assert "collections: [a, b]\n" in merge(text, spec(knowledge__collections=["a", "b"]))


def test_merge_of_unreadable_text_writes_it_anew() -> None:
    made = spec()

    assert merge("a: [", made) == dump(made)


def test_merge_keeps_windows_line_ends() -> None:
    edited = merge(TEXT.replace("\n", "\r\n"), spec(deployment__port=9000))

    assert "\r\n    port: 9000\r\n" in edited
    assert "\n" not in edited.replace("\r\n", "")


# Anything at all -----------------------------------------------------------------------------------

words = st.sampled_from(
    ["spec", "metadata", "name", "qna", ":", ": ", "- ", "[", "]", "{", "}", ",", "\n", "\n  ", "#",
     "&a", "*a", "!x", "'", '"', "|", ">", "?", "---", "...", "%", "\t", "0x", "~", "\\", "\ufeff", "é"]
)  # fmt: skip


@settings(max_examples=250, deadline=1000)
@given(
    st.one_of(
        st.text(),
        st.lists(words, max_size=60).map("".join),
        st.binary().map(lambda b: b.decode("latin-1")),
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    made, findings = parse(text)

    assert (made is None) == bool(findings)
    assert all(one.message and one.line >= 0 for one in findings)


lines = st.integers(0, TEXT.count("\n") - 1)


@settings(max_examples=120, deadline=1000)
@given(lines, st.lists(words, max_size=6).map("".join), st.booleans())
def test_any_damage_to_a_file_is_read_or_refused(line: int, damage: str, cut: bool) -> None:
    rows = TEXT.split("\n")
    rows[line] = damage if cut else rows[line] + damage
    made, findings = parse("\n".join(rows))

    assert (made is None) == bool(findings)


texts = st.text(st.characters(blacklist_categories=("Cs", "Cc"), whitelist_characters="\n\t"))


@settings(max_examples=60, deadline=2000)
@given(
    instruction=texts,
    title=texts.filter(lambda text: len(text) <= 120),
    port=st.integers(1, 65535),
    temperature=st.floats(0, 2),
    names=st.lists(st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True), max_size=4),
)
def test_any_value_survives_the_file(
    instruction: str, title: str, port: int, temperature: float, names: list[str]
) -> None:
    made = spec(
        instruction=instruction,
        metadata__title=title,
        deployment__port=port,
        parameters__temperature=temperature,
        knowledge__collections=names,
    )

    assert parse(dump(made)) == (made, [])
    assert parse(merge(TEXT, made)) == (made, [])
    assert merge(merge(TEXT, made), made) == merge(TEXT, made)
