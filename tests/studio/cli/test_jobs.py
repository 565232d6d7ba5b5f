from __future__ import annotations

from tests.studio.cli.conftest import Studio


def test_jobs_lists_and_shows(helpdesk: Studio) -> None:
    listed = helpdesk("jobs", "--json").data["jobs"]
    first = listed[-1]
    shown = helpdesk("jobs", first["id"][:8], "--json").data

    assert first["kind"] == "knowledge.ingest"
    assert (shown["id"], shown["status"]) == (first["id"], "succeeded")
    assert helpdesk("jobs", "--active").out == "No background work.\n"


def test_jobs_refuses_what_it_cannot_do(helpdesk: Studio) -> None:
    unknown = helpdesk("jobs", "zzzz")
    which = helpdesk("jobs", "--cancel")
    done = helpdesk("jobs", helpdesk("jobs", "--json").data["jobs"][-1]["id"], "--retry")

    assert (unknown.code, which.code, done.code) == (2, 2, 1)
    assert "No job has an id that begins with zzzz." in unknown.err
    assert "Name the job" in which.err
    assert "can be retried" in done.err
