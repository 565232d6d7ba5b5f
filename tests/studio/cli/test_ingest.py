from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.studio.cli.conftest import HANDBOOK, PROGRAM, PROJECT, Studio


def test_ingest_reads_files_and_folders(studio: Studio) -> None:
    studio.write("p.yaml", PROJECT)
    studio("apply", "p.yaml")
    for name, text in HANDBOOK.items():
        studio.write(f"handbook/{name}", text)
    studio.write("handbook/.hidden/secret.txt", "not for indexing")
    studio.write("single.txt", "A single file about parking spaces behind the house.")

    ran = studio("ingest", "helpdesk", "handbook", "single.txt", "--json")

    assert ran.code == 0, ran.err
    assert ran.data["collection"] == "handbook"
    assert [(one["name"], one["status"]) for one in ran.data["documents"]] == [
        ("handbook/holidays.md", "ready"),
        ("handbook/travel/expenses.txt", "ready"),
        ("single.txt", "ready"),
    ]
    assert (studio.folder / "handbook/holidays.md").read_text() == HANDBOOK["holidays.md"]


def test_ingest_again_changes_nothing(helpdesk: Studio) -> None:
    ran = helpdesk("ingest", "helpdesk", "handbook", "--json")

    assert ran.code == 0
    assert {one["status"] for one in ran.data["documents"]} == {"unchanged"}


def test_ingest_names_bad_files_and_takes_the_others(studio: Studio) -> None:
    studio.write("good.md", "# Parking\n\nThere are twelve parking spaces behind the house.\n")
    (studio.folder / "bad.pdf").write_bytes(b"%PDF-1.7\n\x00\x01 broken")

    ran = studio("ingest", "--collection", "house", "good.md", "bad.pdf")

    assert ran.code == 1
    assert ran.out.splitlines()[0].startswith("bad.pdf: knowledge.")
    assert ran.out.splitlines()[-1].startswith("1 of 2 documents ready in house (")


def test_ingest_gives_a_project_its_first_collection(studio: Studio) -> None:
    studio.write("p.yaml", PROJECT.replace("[handbook]", "[]"))
    studio.write("a.txt", "The canteen opens at noon on weekdays.")
    studio("apply", "p.yaml")

    ran = studio("ingest", "helpdesk", "a.txt")

    assert ran.code == 0
    assert "helpdesk now uses the collection helpdesk." in ran.err


def test_ingest_refuses_what_is_not_there(studio: Studio) -> None:
    studio.write("a.txt", "x")
    (studio.folder / "empty").mkdir()

    gone = studio("ingest", "helpdesk", "gone.txt")
    empty = studio("ingest", "helpdesk", "empty")
    unknown = studio("ingest", "helpdesk", "a.txt")

    assert [ran.code for ran in (gone, empty, unknown)] == [2, 2, 2]
    assert "gone.txt does not exist." in gone.err
    assert "There is no file in empty." in empty.err
    assert "There is no project “helpdesk”. Projects: none yet." in unknown.err


def test_interrupt_cancels_the_job(studio: Studio, tmp_path: Path) -> None:
    """Ctrl-C in the middle: the job is cancelled, what was confirmed stays, the code is 130."""
    words = "The quick brown fox jumps over the lazy dog near the river bank at dawn. " * 400
    for number in range(60):
        studio.write(f"many/{number:03}.txt", f"Part {number}. {words}")
    child = subprocess.Popen(
        [str(PROGRAM), "ingest", "--collection", "many", "many"],
        cwd=studio.folder,
        env=studio.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (studio.data / "media").exists():
        time.sleep(0.05)
    time.sleep(2.5)
    os.kill(child.pid, signal.SIGINT)
    _, errors = child.communicate(timeout=60)

    jobs = studio("jobs", "--json").data["jobs"]
    assert child.returncode == 130, errors
    assert "interrupted" in errors
    assert [job["status"] for job in jobs] == ["cancelled"]
