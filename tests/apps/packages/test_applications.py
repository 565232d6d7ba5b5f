"""A package of every application: complete, checked, asking for every server that its graph names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from apps.packages.domain.export import Report, export_document
from apps.packages.domain.vendor import Sources
from apps.packages.domain.verify import verify_archive
from apps.projects.domain.ops import assign
from apps.projects.domain.yaml_io import dump, parse, starter
from tests.servers.environment import PROJECT

MODEL = {"spec.model": {"connection": "brain", "name": "fake-model"}}
SPEECH = {
    "spec.speech.recognition": {"connection": "ears", "name": "whisper-1"},
    "spec.speech.synthesis": {"connection": "the-voice", "name": "tts-1", "voice": "alloy"},
}
CASES = {
    "audio-chat": (MODEL | SPEECH, ["brain", "ears", "the-voice"]),
    "visual-chat": (MODEL, ["brain"]),
    "translation": (MODEL, ["brain"]),
    "code-gen": (MODEL, ["brain"]),
    "code-trans": (MODEL, ["brain"]),
    "summarizer": ({"spec.speech.recognition": SPEECH["spec.speech.recognition"]}, ["ears"]),
}
applications = pytest.mark.parametrize("application", CASES)


def packed(application: str, out: Path, **chosen: object) -> Report:
    spec, findings = parse(starter(application, "my-app"))
    assert spec, findings
    text = dump(assign(spec, CASES[application][0]))
    return export_document(text, out=out, sources=Sources(PROJECT), **chosen)  # type: ignore[arg-type]


@applications
def test_a_package_passes_its_checks_and_names_its_servers(
    application: str, tmp_path: Path
) -> None:
    report = packed(application, tmp_path / "app.zip")
    assert report.findings == ()
    assert report.path
    names = CASES[application][1]

    with zipfile.ZipFile(report.path) as package:
        app = json.loads(package.read("my-app/portal/app.json"))
        example = package.read("my-app/.env.example").decode()
        compose = package.read("my-app/compose.yaml").decode()

    assert [row["name"] for row in app["servers"]] == names
    for name in names:
        variable = f"MODEL_{name.upper().replace('-', '_')}_URL"
        assert f"\n{variable}=" in example
        assert variable in compose
    assert verify_archive(report.path, "my-app") == []


@pytest.mark.parametrize(
    ("application", "kinds"),
    [
        ("audio-chat", {}),
        ("audio-chat", {"ears": "opea", "the-voice": "opea"}),
        ("visual-chat", {}),
        ("summarizer", {}),
    ],
)
def test_the_packages_own_tests_pass(
    application: str, kinds: dict[str, str], tmp_path: Path
) -> None:
    """What `make test` runs, with this interpreter's libraries."""
    report = packed(application, tmp_path / "app.zip", kinds=kinds)
    assert report.path
    with zipfile.ZipFile(report.path) as package:
        package.extractall(tmp_path)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}

    ran = subprocess.run(
        [sys.executable, "-m", "unittest", "discover", "-s", "tests", "-t", "."],
        cwd=tmp_path / "my-app" / "portal",
        env=kept,
        capture_output=True,
        text=True,
        timeout=150,
    )

    assert ran.returncode == 0, ran.stderr[-3000:]
