from __future__ import annotations

import re
from pathlib import Path

from tests.studio.cli.conftest import PROJECT, Studio

BROKEN = PROJECT.replace("application: qna", "application: qna\n  parameters: {temprature: 3}")

QUIET = PROJECT.replace("  instruction: Answer from the handbook only.\n", "")
"""Quotes answer, so an instruction would do nothing."""


def test_validate_accepts_a_valid_project(studio: Studio) -> None:
    studio.write("p.yaml", QUIET)

    ran = studio("validate", "p.yaml")

    assert (ran.code, ran.out, ran.err) == (0, "p.yaml: valid project helpdesk\n", "")


def test_validate_prints_a_line_per_finding(studio: Studio) -> None:
    studio.write("p.yaml", BROKEN.replace("kind: Project", "kind: Projekt"))

    ran = studio("validate", "p.yaml")

    lines = ran.out.splitlines()
    assert ran.code == 2
    assert [re.match(r"p\.yaml:\d+:\d+: [a-z.-]+: \S", line) is not None for line in lines] == [
        True
    ] * 2
    assert lines[0].startswith("p.yaml:2:")
    assert lines[1].startswith("p.yaml:6:16: spec.key.unknown: ")
    assert "temperature" in lines[1]


def test_validate_checks_every_file(studio: Studio) -> None:
    studio.write("good.yaml", QUIET)
    studio.write("bad.yaml", "kind: [\n")

    ran = studio("validate", "good.yaml", "bad.yaml", "gone.yaml", "--json")

    assert ran.code == 2
    assert ran.data["valid"] is False
    assert [(one["file"], one["project"], len(one["findings"])) for one in ran.data["files"]] == [
        ("good.yaml", "helpdesk", 0),
        ("bad.yaml", None, 1),
        ("gone.yaml", None, 1),
    ]
    assert "No such file" in ran.data["files"][2]["findings"][0]["message"]


def test_validate_reads_standard_input(studio: Studio) -> None:
    assert studio("validate", "-", stdin=PROJECT).code == 0

    ran = studio("validate", "-", stdin=BROKEN)
    assert ran.code == 2
    assert ran.out.startswith("<stdin>:6:16: ")


def test_validate_names_what_is_not_text(studio: Studio) -> None:
    (studio.folder / "p.yaml").write_bytes(b"\xff\xfe\x00")

    ran = studio("validate", "p.yaml")

    assert (ran.code, ran.out.splitlines()) == (
        2,
        ["p.yaml:1:1: cli.file: p.yaml is not UTF-8 text (byte 0)."],
    )


def test_strict_counts_warnings(studio: Studio) -> None:
    text = PROJECT.replace("[handbook]", "[]").replace(
        "application: qna", "application: qna\n  model: {connection: vllm, name: m}"
    )
    studio.write("p.yaml", text)

    assert studio("validate", "p.yaml").code == 0
    assert studio("validate", "--strict", "p.yaml").code == 2


def test_validate_needs_no_database_and_no_writable_folder(new_studio: Studio) -> None:
    new_studio.write("p.yaml", PROJECT)

    ran = new_studio(
        "validate", "p.yaml", STUDIO_DATA_DIR="/proc/nowhere", DATABASE_URL="nonsense://"
    )

    assert ran.code == 0
    assert not new_studio.data.exists()


def test_validate_needs_no_django(without_django, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(PROJECT)

    ran = without_django(tmp_path, "validate", "p.yaml")

    assert ran.code == 0, ran.err


def test_validate_names_the_place_of_what_is_wrong_with_a_flow(studio: Studio) -> None:
    studio.write(
        "flow.yaml",
        """\
apiVersion: genai.studio/v1
kind: Project
metadata: {name: drawn}
spec:
  application: custom
  flow:
    nodes:
      - {id: question, component: chat-input}
      - {id: model, component: lllm}
      - {id: answer, component: chat-output}
    edges:
      - {from: question.question, to: answer.answer}
""",
    )

    ran = studio("validate", "flow.yaml")

    assert ran.code == 2
    assert [line.split(" ")[:2] for line in ran.out.splitlines()] == [
        ["flow.yaml:9:32:", "spec.flow.component-unknown:"],
        ["flow.yaml:12:9:", "spec.edge.type-mismatch:"],
    ]


def test_a_note_on_what_does_nothing_never_fails(studio: Studio) -> None:
    text = PROJECT.replace("application: qna", "application: qna\n  parameters: {temperature: 1}")
    studio.write("p.yaml", text)

    ran = studio("validate", "--strict", "p.yaml")

    assert ran.code == 0
    assert "spec.setting.ignored" in ran.out
    assert ran.out.rstrip().endswith("(info)")
