"""The real console script, as a process of its own with its own data folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(sys.executable).parent / "genai-studio"
PROJECT = """\
apiVersion: genai.studio/v1
kind: Project
metadata: {name: helpdesk, title: Helpdesk}
spec:
  application: qna
  instruction: Answer from the handbook only.
  knowledge: {collections: [handbook]}
"""
HANDBOOK = {
    "holidays.md": "# Holidays\n\nEvery employee has thirty days of paid holiday per year. "
    "Unused days expire at the end of March.\n",
    "travel/expenses.txt": "Travel expenses are paid back within ten working days after the receipts "
    "were handed in at the front desk.\n",
}


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@dataclass
class Studio:
    """`studio("apply", "x.yaml")` runs genai-studio in `folder` on the data in `data`."""

    folder: Path
    data: Path

    @property
    def environment(self) -> dict[str, str]:
        left_out = ("STUDIO_", "DATABASE_URL", "CELERY_", "GENAI_STUDIO_", "DJANGO_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        return kept | {
            "STUDIO_DATA_DIR": str(self.data),
            "STUDIO_MODEL_CACHE": os.environ["STUDIO_MODEL_CACHE"],
        }

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Ran:
        result = subprocess.run(
            [str(PROGRAM), *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=150,
        )
        return Ran(result.returncode, result.stdout, result.stderr)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def new_studio(tmp_path: Path) -> Studio:
    """A folder of its own, and a data folder that does not exist yet."""
    folder = tmp_path / "folder"
    folder.mkdir()
    return Studio(folder, tmp_path / "data")


@pytest.fixture(scope="session")
def used_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a studio after its first use: migrated once, copied for every test."""
    folder = tmp_path_factory.mktemp("used")
    made = Studio(folder, folder / "data")
    ran = made("jobs")
    assert ran.code == 0, ran.err
    return made.data


@pytest.fixture
def studio(new_studio: Studio, used_data: Path) -> Studio:
    """A folder and a data folder of its own, with an empty database."""
    shutil.copytree(used_data, new_studio.data)
    return new_studio


@pytest.fixture(scope="session")
def helpdesk(tmp_path_factory: pytest.TempPathFactory, used_data: Path) -> Studio:
    """A project with two indexed documents, shared by all tests of a process: they change neither."""
    folder = tmp_path_factory.mktemp("helpdesk")
    made = Studio(folder, folder / "data")
    shutil.copytree(used_data, made.data)
    made.write("project.yaml", PROJECT)
    for name, text in HANDBOOK.items():
        made.write(f"handbook/{name}", text)
    for arguments in (["apply", "project.yaml"], ["ingest", "helpdesk", "handbook"]):
        ran = made(*arguments)
        assert ran.code == 0, ran.err
    return made


@pytest.fixture
def without_django() -> Callable[..., Ran]:
    """Runs the program's main() and fails if that imported Django or opened a database."""

    def run(folder: Path, *arguments: str) -> Ran:
        code = (
            "import sys\n"
            "from studio.cli.main import main\n"
            f"code = main({list(arguments)!r})\n"
            "loaded = {'django', 'rest_framework', 'celery', 'sqlite3'} & set(sys.modules)\n"
            "assert not loaded, loaded\n"
            "sys.exit(code)\n"
        )
        result = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120
        )
        return Ran(result.returncode, result.stdout, result.stderr)

    return run
