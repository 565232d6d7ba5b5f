from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.benchmarks.domain.machine import is_this_machine, pid_listening_on
from apps.benchmarks.domain.profile import Profile
from apps.benchmarks.errors import RemoteModelServer
from apps.benchmarks.models import BenchRun
from apps.benchmarks.services import start_bench
from apps.evaluations.models import Dataset
from apps.projects.models import SpecVersion
from tests.apps.evaluations.cases import generative, of_application
from tests.fakes.openai_server import FakeOpenAI


def form(version: SpecVersion, **values: Any) -> dict[str, Any]:
    return {
        "version": version.pk,
        "mode": "closed",
        "concurrency": 4,
        "rate_rps": 1,
        "arrival": "poisson",
        "duration_s": 30,
        "warmup_s": 5,
        "max_tokens": 128,
        "dataset": "",
        "prompts": "Who?\n\nWhen?",
    } | values


def post(client: Client, version: SpecVersion, **values: Any) -> Any:
    url = reverse("benchmarks:start", args=[version.project_id])
    return client.post(url, form(version, **values))


def test_start_queues_a_run(version: SpecVersion, owner_client: Client) -> None:
    response = post(owner_client, version, ttft_ms="800")

    run = BenchRun.objects.get()
    assert response["Location"] == run.get_absolute_url()
    assert (run.job.status, run.label) == ("queued", "4 users, 30 s")
    assert run.profile["prompts"] == ["Who?", "When?"]
    assert run.profile["slo"]["ttft_ms"] == 800


def test_start_with_the_questions_of_a_dataset(
    version: SpecVersion, dataset: Dataset, owner_client: Client
) -> None:
    post(owner_client, version, dataset=dataset.pk, prompts="", mode="open", rate_rps="2.5")

    run = BenchRun.objects.get()
    assert len(run.profile["prompts"]) == 3
    assert run.label == "2.5 requests/s, Poisson, 30 s"


@pytest.mark.parametrize(
    "values",
    [
        {"concurrency": 0},
        {"concurrency": 257},
        {"concurrency": ""},
        {"mode": "open", "rate_rps": ""},
        {"mode": "open", "rate_rps": 101},
        {"duration_s": 9},
        {"duration_s": 301},
        {"warmup_s": 61},
        {"max_tokens": 0},
        {"prompts": " \n "},
        {"prompts": "x" * 20_001},
        {"prompts": "\n".join(f"q{n}" for n in range(1_001))},
        {"ttft_ms": "-1"},
        {"cancel_percent": 51},
        {"mode": "sideways"},
    ],
)
def test_start_refuses_what_is_out_of_bounds(
    values: dict[str, Any], version: SpecVersion, owner_client: Client
) -> None:
    assert post(owner_client, version, **values).status_code == 422
    assert not BenchRun.objects.exists()


def test_start_by_a_stranger(version: SpecVersion, stranger_client: Client) -> None:
    assert post(stranger_client, version).status_code == 404


def test_start_asks_before_it_loads_another_machine(
    version: SpecVersion, owner: User, owner_client: Client
) -> None:
    version = generative(version, "http://192.0.2.7:8000/v1", "big", owner)

    page = owner_client.get(reverse("benchmarks:index", args=[version.project_id]))
    refused = post(owner_client, version)
    allowed = post(owner_client, version, allow_remote="on")

    assert "192.0.2.7" in page.content.decode()
    assert refused.status_code == 422
    assert "192.0.2.7 is not on this machine" in refused.content.decode()
    assert allowed.status_code == 302
    with pytest.raises(RemoteModelServer):
        start_bench(version=version, profile=Profile(prompts=("x",)), by=owner)


def test_a_server_of_this_machine_is_recognised(openai_server: FakeOpenAI) -> None:
    import os

    assert is_this_machine(openai_server.url)
    assert is_this_machine("http://localhost:9/v1")
    assert not is_this_machine("http://192.0.2.7/v1")
    assert not is_this_machine("http://no-such-host.invalid/v1")
    assert pid_listening_on(openai_server.url) == os.getpid()
    assert pid_listening_on("http://127.0.0.1:9/v1") is None


def test_an_application_that_needs_a_picture_is_not_loaded(
    owner: User, owner_client: Client
) -> None:
    version = of_application("visual-chat", owner)
    page = owner_client.get(reverse("benchmarks:start", args=[version.project_id]))
    response = post(owner_client, version)

    told = "answers only what comes with a picture, and runs send words alone"
    assert told in page.content.decode()
    assert response.status_code == 422
    assert told in response.content.decode()
    assert not BenchRun.objects.exists()
