from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.servers.environment import PROJECT as ROOT
from tests.studio.cli.conftest import HANDBOOK, PROJECT, Studio

pytestmark = pytest.mark.skipif(
    not (ROOT / "static/dist/app.css").exists(),
    reason="the front end is not built, and a package carries it: run `make assets`",
)


def content(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def test_export_needs_no_database_and_no_django_of_ours(studio: Studio, without_django) -> None:
    studio.write("p.yaml", PROJECT)

    ran = studio("export", "p.yaml", "-o", "a.zip", STUDIO_DATA_DIR="/proc/nowhere")
    apart = without_django(studio.folder, "export", "p.yaml", "-o", "b.zip")

    assert (ran.code, apart.code) == (0, 0), ran.err + apart.err
    assert "carries no knowledge of handbook" in ran.err
    assert (studio.folder / "a.zip").read_bytes() == (studio.folder / "b.zip").read_bytes()


def test_export_says_what_it_made(studio: Studio) -> None:
    studio.write("p.yaml", PROJECT)

    ran = studio("export", "p.yaml", "-o", "a.zip", "--json")

    files = content(studio.folder / "a.zip")
    assert ran.data["project"] == "helpdesk"
    assert ran.data["files"] == len(files)
    assert ran.data["size_bytes"] == (studio.folder / "a.zip").stat().st_size
    assert {"README.md", "project.yaml", "MANIFEST.json", "compose.yaml", ".env.example"} <= set(
        files
    )


def test_documents_travel(studio: Studio) -> None:
    studio.write("p.yaml", PROJECT)
    for name, text in HANDBOOK.items():
        studio.write(f"handbook/{name}", text)

    ran = studio("export", "p.yaml", "-o", "a.zip", "--documents", "handbook")

    files = content(studio.folder / "a.zip")
    assert ran.code == 0, ran.err
    assert files["knowledge/handbook/holidays.md"].decode() == HANDBOOK["holidays.md"]
    assert json.loads(files["portal/app.json"])["collections"][0]["include"] == "documents"


def test_ready_index_travels_from_the_studio(helpdesk: Studio) -> None:
    ran = helpdesk("export", "project.yaml", "-o", "index.zip", "--knowledge-from-project")

    files = content(helpdesk.folder / "index.zip")
    assert ran.code == 0, ran.err
    assert "knowledge/handbook/vectors.npy" in files


def test_values_can_be_set(studio: Studio) -> None:
    studio.write("p.yaml", PROJECT)

    ran = studio(
        *("export", "p.yaml", "-o", "a.zip", "--topology", "cluster", "--format", "compose"),
        *("--set", "deployment.port=8081", "--set", "metadata.title=Other"),
    )

    files = content(studio.folder / "a.zip")
    assert ran.code == 0, ran.err
    assert b"port: 8081" in files["project.yaml"]
    assert json.loads(files["portal/app.json"])["title"] == "Other"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--set", "deployment.port=big"], "spec.refused", "deployment.port"),
        (["--format", "helm"], "packages.format-unavailable", "helm"),
        (["--documents", "gone"], "cli.argument", "gone is not a folder."),
        (["-o", "p.yaml"], "cli.argument", "p.yaml exists already."),
        (["-o", "/proc/x.zip"], "packages.not-writable", "/proc"),
    ],
)
def test_export_refuses_bad_input(
    studio: Studio, arguments: list[str], code: str, sentence: str
) -> None:
    studio.write("p.yaml", PROJECT)

    ran = studio("export", "p.yaml", "-o", "a.zip", *arguments, "--json")

    assert ran.code == 2
    assert ran.data["error"]["code"] == code
    assert sentence in json.dumps(ran.data, ensure_ascii=False)
    assert not (studio.folder / "a.zip").exists()


def test_export_refuses_an_incomplete_project(studio: Studio) -> None:
    studio.write("p.yaml", PROJECT.replace("[handbook]", "[]"))

    ran = studio("export", "p.yaml", "-o", "a.zip", "--json")

    assert ran.code == 2
    assert ran.data["error"]["findings"][0]["code"] == "spec.knowledge.missing"
