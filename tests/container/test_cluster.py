"""The cluster topology: three web replicas that start at once behind nginx."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.container.composition import Composition
from tests.container.sandbox import QUESTION, Tried, export_to
from tests.container.walk import Portal

REPLICAS = "3"


@pytest.fixture(scope="module")
def running(
    engine: None, tried: Tried, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Composition]:
    package = export_to(tmp_path_factory.mktemp("cluster"), tried, topology="cluster")
    example = package / ".env.example"
    example.write_text(example.read_text().replace("WEB_REPLICAS=2", f"WEB_REPLICAS={REPLICAS}"))
    with Composition(package) as composition:
        yield composition
    print("\ncluster:", {name: f"{value:.1f} s" for name, value in composition.durations.items()})


@pytest.fixture(scope="module")
def portal(running: Composition, browser: Browser) -> Portal:
    return Portal(browser, running.url, "cluster")


def test_every_replica_is_healthy(running: Composition) -> None:
    services = running.services()

    assert {name: len(rows) for name, rows in services.items()} == {
        "web": 3,
        "worker": 1,
        "nginx": 1,
        "db": 1,
        "redis": 1,
    }
    assert {row["Health"] for rows in services.values() for row in rows} == {"healthy"}


def test_replicas_took_the_knowledge_in_once(running: Composition) -> None:
    logs = running.compose("logs", "--no-color", "web", "worker")

    assert logs.count("portal.knowledge-taken-in") == 1


def test_people_are_served_by_whatever_replica(
    running: Composition, portal: Portal, tried: Tried
) -> None:
    link = running.script("first-admin", "--base", running.url).strip()
    admin = portal.first_administrator(link)
    person = portal.sign_in_by_link(portal.add_person(admin, "nurse"))

    for _ in range(4):
        assert "five days" in portal.ask(person)
        assert len(portal.sources(person)) == len(tried.answer.citations)
    assert [tuple(row) for row in running.smoke(QUESTION)["passages"]] == tried.passages


def test_a_lost_replica_is_not_missed(running: Composition, portal: Portal) -> None:
    lost = running.services()["web"][0]["Name"]
    running._run(["docker", "stop", "--time", "1", lost])

    person = portal.sign_in("nurse")
    for _ in range(3):
        assert "five days" in portal.ask(person)


def test_portal_had_no_complaints(portal: Portal) -> None:
    assert portal.watch.complaints == []
