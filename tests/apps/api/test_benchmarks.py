from __future__ import annotations

import pytest

from apps.benchmarks.models import BenchRun, ResourceSample
from apps.connections.models import Endpoint
from apps.projects.models import Project, SpecVersion
from tests.apps.api.conftest import Api
from tests.fakes.openai_server import FakeOpenAI

PROFILE = {"concurrency": 2, "duration_s": 3, "warmup_s": 0, "calibrate": False, "prompts": ["Hi?"]}


@pytest.fixture
def run(project: Project, version: SpecVersion) -> BenchRun:
    made = BenchRun.objects.create(
        project=project,
        version=version,
        profile={**PROFILE, "mode": "closed"},
        summary={"requests_per_s": 4.0},
        series={"requests_per_s": [4.0]},
    )
    ResourceSample.objects.create(run=made, t_s=1.0, part="app", cpu_percent=50.0, rss_bytes=100)
    return made


@pytest.mark.django_db(transaction=True)
def test_run_is_started_and_shown(
    api: Api, project: Project, version: SpecVersion, openai_server: FakeOpenAI
) -> None:
    Endpoint.objects.update(base_url=openai_server.url)

    started = api.post(f"/projects/{project.pk}/benchmarks", {"profile": PROFILE})
    shown = api.get(f"/benchmarks/{started.json()['id']}").json()

    assert started.status_code == 202, started.content
    assert shown["job"]["status"] == "succeeded"
    assert shown["summary"]["requests"]["ok"] > 0
    assert shown["version"] == 1


def test_series_and_resources_are_shown(api: Api, run: BenchRun) -> None:
    body = api.get(f"/benchmarks/{run.pk}").json()

    assert body["series"] == {"requests_per_s": [4.0]}
    assert body["resources"] == {"app": [[1.0, 50.0, 100]]}
    assert "series" not in api.get(f"/projects/{run.project_id}/benchmarks").json()["results"][0]


def test_bad_profile_is_refused_by_field(api: Api, project: Project, version: SpecVersion) -> None:
    answer = api.post(
        f"/projects/{project.pk}/benchmarks", {"profile": {**PROFILE, "concurrency": 10_000}}
    )

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "api.invalid")
    assert [finding["path"] for finding in problem["findings"]] == ["profile.concurrency"]


def test_list_takes_the_same_queries_for_more_rows(api: Api, run: BenchRun, queries) -> None:
    path = f"/projects/{run.project_id}/benchmarks"
    one = queries(lambda: api.get(path))
    for _ in range(2):
        BenchRun.objects.create(project=run.project, version=run.version, profile=run.profile)

    assert queries(lambda: api.get(path)) == one


def test_delete(api: Api, run: BenchRun) -> None:
    assert api.delete(f"/benchmarks/{run.pk}").status_code == 204
    assert api.get(f"/benchmarks/{run.pk}").status_code == 404


def test_strangers_find_nothing(strange_api: Api, run: BenchRun) -> None:
    answers = [
        strange_api.get(f"/benchmarks/{run.pk}"),
        strange_api.delete(f"/benchmarks/{run.pk}"),
        strange_api.post(f"/projects/{run.project_id}/benchmarks", {"profile": PROFILE}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 3
