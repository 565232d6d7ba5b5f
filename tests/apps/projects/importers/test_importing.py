"""Every sample of every format: its golden project and notes, round trip, secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.projects.domain.importers.importing import detect, import_bytes, import_text
from apps.projects.domain.yaml_io import brief, dump, parse
from tests.apps.projects.importers.samples import FOLDER, SAMPLES, SECRETS, imported, lines

APPLICATIONS = {
    "dify-advanced-chat.yml": "custom",
    "dify-agent.yml": "custom",
    "dify-chat.yml": "qna",
    "dify-workflow.yml": "custom",
    "flowise-agents.json": "custom",
    "flowise-backend.json": "qna",
    "flowise-code.json": "code-gen",
    "flowise-conversation.json": "qna",
    "flowise-qna.json": "qna",
    "flowise-summary.json": "summarizer",
    "flowise-two-models.json": "custom",
    "gmc-audio.yaml": "audio-chat",
    "gmc-picture.yaml": "visual-chat",
    "gmc-qna.yaml": "qna",
    "gmc-several.yaml": "translation",
    "gmc-switch.yaml": "custom",
}
GOLDEN = [name for name, application in APPLICATIONS.items() if application != "custom"]
"""Flows of one's own depend on what components there are; their tests say what they must hold."""


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_sample_becomes_its_application(path: Path) -> None:
    result = imported(path.name)

    assert result.kind == path.name.partition("-")[0] == detect(path.read_text(encoding="utf-8"))
    assert result.spec is not None
    assert result.spec.spec.application == APPLICATIONS[path.name]


@pytest.mark.parametrize("name", GOLDEN)
def test_sample_gives_its_golden_project_and_notes(name: str) -> None:
    result = imported(name)
    golden = FOLDER / "golden"

    assert result.spec is not None
    assert brief(result.spec) == (golden / f"{name}.project.yaml").read_text(encoding="utf-8")
    assert lines(result) == (golden / f"{name}.notes.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_sample_reads_back_as_written(path: Path) -> None:
    spec = imported(path.name).spec

    assert spec is not None
    assert parse(dump(spec)) == (spec, [])
    assert parse(brief(spec)) == (spec, [])


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_note_has_a_place_in_the_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8").split("\n")

    for note in imported(path.name).notes:
        assert 1 <= note.line <= len(text)
        assert 1 <= note.column <= len(text[note.line - 1]) + 1


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_no_secret_survives(path: Path) -> None:
    source, result = path.read_text(encoding="utf-8"), imported(path.name)
    assert result.spec is not None
    made = dump(result.spec) + lines(result)
    held = [secret for secret in SECRETS if secret in source]

    assert [secret for secret in SECRETS if secret in made] == []
    assert len([one for one in result.notes if one.code == "import.secret"]) >= len(held[:1])


def test_the_samples_hold_every_secret() -> None:
    whole = "".join(path.read_text(encoding="utf-8") for path in SAMPLES)

    assert [secret for secret in SECRETS if secret not in whole] == []


def test_a_file_without_a_title_is_called_like_the_file() -> None:
    text = (FOLDER / "flowise-conversation.json").read_text(encoding="utf-8")

    named, nameless = import_text(text, "Harbour desk"), import_text(text)

    assert named.spec is not None
    assert named.spec.metadata.name == "harbour-desk"
    assert nameless.spec is not None
    assert nameless.spec.metadata.name == "imported"


def test_a_project_file_comes_through_as_it_is() -> None:
    text = (FOLDER / "golden" / "gmc-qna.yaml.project.yaml").read_text(encoding="utf-8")

    result = import_text(text)

    assert (result.kind, result.spec) == ("project", imported("gmc-qna.yaml").spec)


@pytest.mark.parametrize(
    ("raw", "code", "line", "column"),
    [
        (b"", "import.empty", 1, 1),
        (b"just words", "import.unknown", 1, 1),
        (b"[1, 2]", "import.unknown", 1, 1),
        (b"{}", "import.unknown", 1, 1),
        (b"a: 1\nb: \xff\xfe", "import.encoding", 2, 4),
        (b'{"nodes": [\n {"id": 1,}\n]}', "import.syntax", 2, 11),
        (b'{"nodes": [NaN]}', "import.syntax", 1, 12),
        (b'{"nodes": [], "nodes": []}', "import.syntax", 1, 15),
        (b'{"nodes": "\\ud800"}', "import.syntax", 1, 11),
        (b"[" * 100_000, "import.too-deep", 1, 50),
        (b"app: [" * 100_000, "import.too-deep", 1, 150),
        (b"app:\n  name: [", "import.syntax", 2, 10),
        (b"app: !!python/object:os.system x", "import.tag", 1, 6),
        (b"app: &a [*a]", "import.alias", 1, 10),
        (b"app: *gone", "import.alias", 1, 6),
        (b"app: {name: x, name: y}", "import.duplicate-key", 1, 16),
        (b"app: {? [a] : b}", "import.key", 1, 9),
        (b"{" + b'"a":1,' * 1_000_000, "import.too-large", 1, 1),
        (b'{"nodes":[' + b"1," * 500_000 + b"1]}", "import.too-large", 1, 120_007),
        (b"app: {mode: poem}", "import.dify.mode", 1, 13),
        (b"apiVersion: gmc.opea.io/v1alpha3\nkind: GMConnector\nspec: {nodes: {}}",
         "import.gmc.root", 3, 15),
        (b'{"nodes": []}', "import.empty", 1, 1),
        (b'{"flowData": "{"}', "import.syntax", 1, 14),
    ],
    ids=range(23),
)  # fmt: skip
def test_what_cannot_be_read_is_said_at_its_place(
    raw: bytes, code: str, line: int, column: int
) -> None:
    result = import_bytes(raw)

    first = result.notes[0]
    assert result.spec is None
    assert (first.severity, first.code, first.line, first.column) == ("error", code, line, column)


def test_an_alias_bomb_is_counted_not_built() -> None:
    rows = ["app:", "  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]

    result = import_text("\n".join(rows))

    assert result.notes[0].code in ("import.too-large", "import.too-deep")
    assert result.notes[0].line > 4


def test_an_alias_stands_for_its_value() -> None:
    text = (
        "app: &app {name: Twins, mode: chat}\nmodel_config:\n  model: &m {name: m, provider: p}\n"
    )
    text += "  more: *m\n"

    result = import_text(text)

    assert result.spec is not None
    assert (result.spec.spec.model.name, result.spec.spec.model.connection) == ("m", "p")


def test_a_flow_that_no_project_file_holds_is_refused() -> None:
    nodes = [{"id": "chat_input_0", "name": "chat_input", "inputs": {}}]
    wire = "{{chat_input_0.data.instance}}"
    for at in range(250):
        inputs = {"text": wire, "modelName": f"m{at}", "temperature": at / 250, "top_k": at + 1}
        place = {"x": at, "y": at}
        nodes.append({"id": f"n_{at}", "name": "llm_tgi", "position": place, "inputs": inputs})
        wire = f"{{{{n_{at}.data.instance}}}}"

    result = import_text(json.dumps({"nodes": nodes}))

    assert result.spec is None
    assert result.notes[0].code == "import.too-large"
