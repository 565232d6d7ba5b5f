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
from apps.runtime.resources import ServerKind
from tests.servers import vector_stores
from tests.servers.environment import PROJECT
from tests.servers.vector_stores import KINDS

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


ADDRESSES = {
    "redis": "redis://app@localhost:6379/0",
    "qdrant": "http://127.0.0.1:6333",
    "milvus": "https://milvus.example:19530",
    "pgvector": "postgresql://me@localhost:5432/vectors?sslmode=require",
}
IN_A_CONTAINER = {
    "redis": "redis://app@host.docker.internal:6379/0",
    "qdrant": "http://host.docker.internal:6333",
    "milvus": "https://milvus.example:19530",
    "pgvector": "postgresql://me@host.docker.internal:5432/vectors?sslmode=require",
}
STORE = """\
apiVersion: genai.studio/v1
kind: Project
metadata: {{name: my-app, title: My app}}
spec:
  application: qna
  knowledge:
    collections: [handbook]
    store: {{kind: {kind}, connection: my-vectors}}
"""


def packed_with_store(kind: ServerKind, folder: Path, documents: Path) -> Report:
    return export_document(
        STORE.format(kind=kind),
        out=folder / "app.zip",
        sources=Sources(PROJECT),
        knowledge_dir=documents,
        include="documents",
        kinds={"my-vectors": kind},
        servers={"my-vectors": ADDRESSES[kind]},
        secrets=[vector_stores.PASSWORD],
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_names_its_vector_store(
    kind: ServerKind, tmp_path: Path, documents_dir: Path
) -> None:
    report = packed_with_store(kind, tmp_path, documents_dir)

    assert report.findings == ()
    assert report.path
    with zipfile.ZipFile(report.path) as package:
        example = package.read("my-app/.env.example").decode()
        compose = package.read("my-app/compose.yaml").decode()
        readme = package.read("my-app/README.md").decode()
    assert f"STORE_MY_VECTORS_URL={IN_A_CONTAINER[kind]}\nSTORE_MY_VECTORS_SECRET=\n" in example
    assert "STORE_MY_VECTORS_SECRET: ${STORE_MY_VECTORS_SECRET:-}" in compose
    assert "## Vector store" in readme
    assert "## Model servers" not in readme


@pytest.mark.parametrize("kind", ["redis", "pgvector"])
def test_a_packages_own_tests_pass_with_its_vector_store(
    kind: ServerKind, tmp_path: Path, documents_dir: Path
) -> None:
    """The portal indexes its packaged documents, sends them to the store and answers from there."""
    report = packed_with_store(kind, tmp_path, documents_dir)
    assert report.path
    with zipfile.ZipFile(report.path) as package:
        package.extractall(tmp_path)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}

    for store in vector_stores.running(kind):
        address = {"STORE_MY_VECTORS_URL": store.server.base_url}
        ran = subprocess.run(
            [sys.executable, "-m", "unittest", "discover", "-s", "tests", "-t", "."],
            cwd=tmp_path / "my-app" / "portal",
            env=kept | address | {"STORE_MY_VECTORS_SECRET": vector_stores.PASSWORD},
            capture_output=True,
            text=True,
            timeout=150,
        )
        held = store.rows()

    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "skipped" not in ran.stderr
    assert held == [3], "two passages and the marker, in one table"
    assert vector_stores.PASSWORD not in ran.stdout + ran.stderr
