from __future__ import annotations

from tests.studio.cli.conftest import PROJECT, Studio


def test_apply_creates_updates_and_rests(studio: Studio) -> None:
    studio.write("p.yaml", PROJECT)
    created = studio("apply", "p.yaml", "--json")
    unchanged = studio("apply", "p.yaml", "--json")
    studio.write("p.yaml", PROJECT.replace("title: Helpdesk", "title: Help"))
    planned = studio("apply", "p.yaml", "--dry-run")
    updated = studio("apply", "-", stdin=PROJECT.replace("title: Helpdesk", "title: Help"))

    assert [ran.code for ran in (created, unchanged, planned, updated)] == [0, 0, 0, 0]
    assert (created.data["action"], unchanged.data["action"]) == ("created", "unchanged")
    assert created.data["project"]["id"] == unchanged.data["project"]["id"]
    assert planned.out.startswith("Project helpdesk would be updated.\n")
    assert updated.out.startswith("Project helpdesk updated.\n")
    assert "Title" in updated.out


def test_apply_names_what_is_missing_here(studio: Studio) -> None:
    studio.write("p.yaml", PROJECT)

    ran = studio("apply", "p.yaml")

    assert ran.out.splitlines()[0] == "Project helpdesk created."
    assert "p.yaml:7:29: spec.collection.unknown: " in ran.out


def test_apply_refuses_a_broken_file_without_a_database(new_studio: Studio) -> None:
    new_studio.write("p.yaml", PROJECT.replace("kind: Project", "kind: Recipe"))

    ran = new_studio("apply", "p.yaml", "--json")

    assert ran.code == 2
    assert ran.data["error"]["code"] == "spec.refused"
    assert ran.data["error"]["findings"][0]["line"] == 2
    assert not new_studio.data.exists()


def test_apply_leaves_edits_of_others_alone(studio: Studio) -> None:
    studio.write("p.yaml", PROJECT)
    studio("apply", "p.yaml")
    edit = (
        "from apps.projects.models import Draft; d = Draft.objects.get();"
        "d.yaml = d.yaml.replace('qna', 'qna\\n  instruction: Be kind.', 1).replace("
        "'  instruction: Answer from the handbook only.\\n', ''); d.revision += 1; d.save()"
    )
    manage(studio, edit)
    studio.write("p.yaml", PROJECT.replace("title: Helpdesk", "title: Help"))

    refused = studio("apply", "p.yaml")
    forced = studio("apply", "p.yaml", "--force", "--json")

    assert refused.code == 1
    assert "Helpdesk was edited elsewhere since its file was last applied" in refused.err
    assert (forced.code, forced.data["action"]) == (0, "updated")


def manage(studio: Studio, code: str) -> None:
    import subprocess
    import sys

    from tests.servers.environment import PROJECT as ROOT

    subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", code],
        cwd=ROOT,
        env=studio.environment,
        check=True,
        capture_output=True,
    )
