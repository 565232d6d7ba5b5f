from __future__ import annotations

import pytest

from studio.cli.main import COMMANDS
from tests.servers.ports import free_port
from tests.studio.cli.conftest import Studio

NAMES = [command.__name__.rpartition(".")[2].rstrip("_") for command in COMMANDS]


def test_help_names_every_command_and_exit_code(studio: Studio) -> None:
    ran = studio("--help")

    assert ran.code == 0
    assert [name for name in NAMES if f"    {name} " not in ran.out] == []
    assert "130  interrupted" in ran.out


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself(studio: Studio, name: str) -> None:
    ran = studio(name, "--help")

    assert ran.code == 0
    assert "--json" in ran.out
    assert "exit codes:" in ran.out


def test_no_command_is_bad_input(studio: Studio) -> None:
    ran = studio()

    assert (ran.code, ran.out) == (2, "")
    assert "usage: genai-studio" in ran.err


def test_wrong_arguments_are_one_json_document_too(studio: Studio) -> None:
    ran = studio("export", "--json")

    assert ran.code == 2
    assert ran.data["error"]["code"] == "cli.argument"
    assert "required: FILE, -o/--output" in ran.data["error"]["message"]


def test_version_is_printed(studio: Studio) -> None:
    ran = studio("--version")

    assert ran.code == 0
    assert ran.out.startswith("genai-studio ")


def test_bad_settings_are_one_line(studio: Studio) -> None:
    ran = studio("jobs", STUDIO_JOBS_WORKERS="many")

    assert ran.code == 1
    assert ran.err.splitlines() == [
        "genai-studio: STUDIO_JOBS_WORKERS is 'many'; use a whole number from 1 to 32."
    ]


def test_database_that_does_not_answer_is_a_server_that_does_not(studio: Studio) -> None:
    url = f"postgres://nobody:x@127.0.0.1:{free_port()}/none"

    ran = studio("jobs", DATABASE_URL=url)

    assert ran.code == 4
    assert ran.err.startswith("genai-studio: The database does not answer: ")
    assert ran.err.count("\n") == 1


def test_unknown_person_is_refused(studio: Studio) -> None:
    ran = studio("jobs", "--as", "nobody", "--json")

    assert ran.code == 2
    assert ran.data["error"]["code"] == "cli.argument"
    assert "no active account “nobody”" in ran.data["error"]["message"]


def test_first_use_makes_database_and_administrator(new_studio: Studio) -> None:
    first = new_studio("jobs")
    second = new_studio("jobs")

    assert (first.code, first.out) == (0, "No background work.\n")
    assert "Preparing a new database." in first.err
    assert "administrator “admin” without a password" in first.err
    assert (second.code, second.err) == (0, "")
