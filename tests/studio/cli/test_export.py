from __future__ import annotations

import json
import subprocess
import sys
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


WEB = """
import shutil
from pathlib import Path
from apps.accounts.models import User
from apps.knowledge.models import Collection
from apps.packages.domain.options import options_for
from apps.packages.models import PackageExport
from apps.packages.services import make_package
from apps.projects.models import Draft, Project
from apps.projects.queries import spec_of
from apps.projects.version_services import build_version
Collection.objects.update(title="Staff handbook")
by = User.objects.get()
text = Draft.objects.get().yaml
for include in ("index", "documents", "none"):
    Draft.objects.update(yaml=text + f"  deployment: {{knowledge: {{include: {include}}}}}\\n")
    version = build_version(project=Project.objects.get(), by=by)
    options = options_for(spec_of(version).spec.deployment).as_dict()
    export = PackageExport.objects.create(project=version.project, version=version, options=options)
    make_package(export=export, step=lambda *told: None)
    Path(include + ".yaml").write_text(version.yaml)
    shutil.copy(export.file.path, include + "-web.zip")
Draft.objects.update(yaml=text)
"""
SPOKEN = PROJECT.replace("Answer from the handbook only.", "Answer briefly.") + (
    "  model: {connection: vllm, name: some-model}\n"
    "  speech:\n"
    "    recognition: {connection: ears}\n"
    "    synthesis: {connection: mouth}\n"
)


@pytest.fixture(scope="module")
def both(helpdesk: Studio) -> Studio:
    """The helpdesk with packages of its version as the studio's pages make them."""
    ran = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", WEB],
        cwd=helpdesk.folder,
        env=helpdesk.environment,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert ran.returncode == 0, ran.stderr
    return helpdesk


@pytest.mark.parametrize("include", ["index", "documents", "none"])
def test_studio_and_command_line_give_the_same_bytes(both: Studio, include: str) -> None:
    out = f"{include}-cli.zip"

    ran = both("export", f"{include}.yaml", "-o", out, "--knowledge-from-project")

    assert ran.code == 0, ran.err
    web, cli = content(both.folder / f"{include}-web.zip"), content(both.folder / out)
    assert [name for name in web if web[name] != cli.get(name)] == []
    assert (both.folder / f"{include}-web.zip").read_bytes() == (both.folder / out).read_bytes()


def test_export_without_a_database_gives_the_studio_s_bytes(
    both: Studio, new_studio: Studio
) -> None:
    with zipfile.ZipFile(both.folder / "index-web.zip") as package:
        package.extractall(new_studio.folder)
    handbook = new_studio.folder / "helpdesk/knowledge/handbook"

    ran = new_studio(
        *("export", "helpdesk/project.yaml", "-o", "cli.zip", "--snapshots", str(handbook)),
        *("--collection", "handbook=Staff handbook"),
        STUDIO_DATA_DIR="/proc/nowhere",
    )

    assert ran.code == 0, ran.err
    web, cli = both.folder / "index-web.zip", new_studio.folder / "cli.zip"
    assert web.read_bytes() == cli.read_bytes()
    application = json.loads(content(cli)["portal/app.json"])
    assert application["collections"][0]["title"] == "Staff handbook"
    assert application["starters"] == ["What does it say about “Holidays”?"]


def test_connections_are_what_they_are_said_to_be(studio: Studio) -> None:
    studio.write("p.yaml", SPOKEN.replace("qna", "audio-chat"))

    ran = studio(
        *("export", "p.yaml", "-o", "a.zip", "--connection", "ears=opea:http://asr.local:9099"),
        *("--connection", "mouth=opea"),
    )

    files = content(studio.folder / "a.zip")
    application = json.loads(files["portal/app.json"])
    assert ran.code == 0, ran.err
    assert "Taken for OpenAI-compatible: vllm." in ran.err
    assert {one["name"]: one["kind"] for one in application["servers"]} == {
        "ears": "opea",
        "mouth": "opea",
        "vllm": "openai",
    }
    assert b"MODEL_EARS_URL=http://asr.local:9099\n" in files[".env.example"]
    adapters = {node["adapter"] for node in application["graph"]["nodes"]}
    assert {"opea-asr", "opea-tts"} <= adapters


@pytest.mark.parametrize(
    ("connection", "sentence"),
    [
        ("ears", "--connection ears: write NAME=VALUE."),
        ("ears=grpc", "“grpc” is not one of openai, opea, http"),
        ("nose=opea", "The project names no connection “nose”. It names: ears, mouth, vllm."),
        ("mouth=http", "taken for http. It needs: openai or opea."),
    ],
)
def test_unfit_connection_is_refused(studio: Studio, connection: str, sentence: str) -> None:
    named = SPOKEN.replace("ears}", "ears, name: whisper}").replace("mouth}", "mouth, name: tts}")
    studio.write("p.yaml", named.replace("qna", "audio-chat"))

    ran = studio("export", "p.yaml", "-o", "a.zip", "--connection", connection)

    assert ran.code == 2
    assert sentence in ran.err
    assert not (studio.folder / "a.zip").exists()


def test_rule_that_asks_opea_needs_an_opea_connection(studio: Studio) -> None:
    guarded = PROJECT + "  guardrails: {input: [{kind: opea, connection: guard}]}\n"
    studio.write("p.yaml", guarded)

    refused = studio("export", "p.yaml", "-o", "a.zip")
    made = studio("export", "p.yaml", "-o", "a.zip", "--connection", "guard=opea")

    assert (refused.code, made.code) == (2, 0), made.err
    assert "“guard” is no OPEA service." in refused.err
