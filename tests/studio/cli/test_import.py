from __future__ import annotations

import re
from pathlib import Path

from tests.apps.projects.importers.samples import FOLDER
from tests.studio.cli.conftest import Studio


def sample(name: str) -> str:
    return str(FOLDER / name)


def test_import_writes_a_project_that_validates(studio: Studio) -> None:
    ran = studio("import", sample("flowise-qna.json"), "-o", "project.yaml")

    lines = ran.err.splitlines()
    assert (ran.code, ran.out) == (0, "Wrote project.yaml: qna project flowise-qna.\n")
    assert [
        line for line in lines if not re.match(r".+\.json:\d+:\d+: import\.[a-z-]+: \S", line)
    ] == []
    assert any(line.endswith("(info)") for line in lines)
    assert studio("validate", "project.yaml").code == 0


def test_import_goes_to_stdout_and_notes_do_not(studio: Studio) -> None:
    ran = studio("import", "-", "--quiet", stdin=Path(sample("dify-chat.yml")).read_text())

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("apiVersion: genai.studio/v1\n")
    assert studio("validate", "-", stdin=ran.out).code == 0


def test_import_as_json(studio: Studio) -> None:
    ran = studio("import", sample("gmc-qna.yaml"), "--json", "--name", "harbour")

    assert ran.code == 0
    assert (ran.data["format"], ran.data["name"], ran.data["application"]) == (
        "gmc",
        "harbour",
        "qna",
    )
    assert "name: harbour\n" in ran.data["yaml"]
    assert {note["severity"] for note in ran.data["notes"]} == {"warning", "info"}


def test_import_of_one_of_several(studio: Studio) -> None:
    first = studio("import", sample("gmc-several.yaml"))
    named = studio("import", sample("gmc-several.yaml"), "--name", "codegen", "--json")

    assert "imported translation; also there: codegen (--name NAME)." in first.err
    assert (named.data["name"], named.data["others"]) == ("codegen", ["translation"])
    assert named.data["application"] == "code-gen"


def test_import_ends_with_2_where_nothing_can_be_made(studio: Studio) -> None:
    studio.write("bad.json", '{"nodes": [}')
    (studio.folder / "raw.json").write_bytes(b"\xff")

    plain, raw, gone = (studio("import", name) for name in ("bad.json", "raw.json", "gone.json"))
    data = studio("import", "bad.json", "--json")

    assert [ran.code for ran in (plain, raw, gone, data)] == [2, 2, 2, 2]
    assert plain.out == ""
    assert "line 1, column 12: import.syntax: This is not valid JSON" in plain.err
    assert "not UTF-8" in raw.err
    assert "gone.json cannot be read" in gone.err
    assert data.data["error"]["findings"][0]["column"] == 12


def test_import_refuses_a_name_and_an_existing_file(studio: Studio) -> None:
    studio.write("project.yaml", "mine\n")

    named = studio("import", sample("gmc-qna.yaml"), "--name", "Not A Name")
    there = studio("import", sample("gmc-qna.yaml"), "-o", "project.yaml")
    forced = studio("import", sample("gmc-qna.yaml"), "-o", "project.yaml", "--force")

    assert (named.code, there.code, forced.code) == (2, 2, 0)
    assert "metadata.name" in named.err


def test_import_needs_no_database(new_studio: Studio) -> None:
    ran = new_studio(
        "import",
        sample("gmc-audio.yaml"),
        STUDIO_DATA_DIR="/proc/nowhere",
        DATABASE_URL="nonsense://",
    )

    assert ran.code == 0
    assert not new_studio.data.exists()


def test_import_needs_no_django(without_django, tmp_path: Path) -> None:
    ran = without_django(tmp_path, "import", sample("dify-workflow.yml"))

    assert ran.code == 0, ran.err
