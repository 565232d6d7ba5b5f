"""Every sample installs, builds and answers; what it comes with is there."""

from __future__ import annotations

import asyncio
from typing import Any, get_args

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.chat.attachments import judged
from apps.chat.gateway import gateway
from apps.connections.models import Endpoint
from apps.connections.services import create_endpoint
from apps.knowledge.models import Document
from apps.projects.domain.ops import assign
from apps.projects.domain.spec import ApplicationId
from apps.projects.domain.validate import errors, findings
from apps.projects.domain.yaml_io import merge, parse
from apps.projects.errors import SampleUnknown
from apps.projects.models import Project
from apps.projects.queries import context_for, spec_of
from apps.projects.sample import install_sample
from apps.projects.samples import SAMPLES, Sample, sample
from apps.projects.version_services import build_version
from apps.runtime.events import Answer
from apps.runtime.media import Media
from apps.runtime.resources import RunRequest, Turn
from tests.fakes.openai_server import FakeOpenAI

ids = pytest.mark.parametrize("one", SAMPLES, ids=lambda one: one.id)


async def _answer(prepared: Any, request: RunRequest) -> Answer:
    events = [event async for event in gateway().run(prepared, request)]
    assert isinstance(events[-1], Answer)
    return events[-1]


def answer(owner: User, project: Project, text: str, path: str, chosen: Sample) -> Answer:
    version = build_version(project=project, by=owner)
    app = gateway().app_for(owner, version.app_key)
    media = [Media("", chosen.file(path).read_bytes(), path)] if path else []
    turn = Turn("user", text, judged(media, app) if media else ())
    return asyncio.run(_answer(gateway().prepare(owner, version.app_key), RunRequest((turn,))))


def test_every_application_has_a_sample() -> None:
    assert {one.application for one in SAMPLES} == set(get_args(ApplicationId)) - {"custom"}


@ids
def test_what_a_sample_names_is_there_and_small(one: Sample) -> None:
    assert 3 <= len(one.starters) <= 5
    assert set(one.attached) <= set(one.starters)
    assert set(one.attached.values()) <= set(one.files)
    for path in [*one.documents, *map(one.file, one.files)]:
        assert 0 < path.stat().st_size < 20_000
    with pytest.raises(KeyError):
        one.file("../../samples.py")


@ids
def test_a_sample_builds_and_answers_once_its_needs_are_served(
    one: Sample, owner: User, openai_server: FakeOpenAI, django_capture_on_commit_callbacks: Any
) -> None:
    create_endpoint(owner=owner, name="fake", base_url=openai_server.url)
    served = {need.path: ("fake", "fake-model") for need in one.needs}
    with django_capture_on_commit_callbacks(execute=True):
        project = install_sample(owner=owner, sample_id=one.id, served=served)
    path = one.attached.get(one.starters[0], "")

    said = answer(owner, project, "" if path.endswith(".wav") else one.starters[0], path, one)

    assert said.text
    assert project.application == one.application
    assert spec_of(project.draft).spec.starters == one.starters
    assert Document.objects.filter(status="ready").count() == len(one.documents)
    if one.application == "audio-chat":
        assert said.media


@ids
def test_an_open_need_is_a_finding_and_no_failure(one: Sample, owner: User) -> None:
    project = install_sample(owner=owner, sample_id=one.id)
    missing = errors(findings(spec_of(project.draft), context_for(owner)))

    needed = [need.path for need in one.needs if need.required]
    assert [".".join(map(str, row.path[:-1])) for row in missing] == needed


def test_a_summary_needs_no_model(owner: User) -> None:
    one = sample("minutes-digest")
    project = install_sample(owner=owner, sample_id=one.id)
    said = answer(owner, project, "", "council-minutes.md", one)
    text = one.file("council-minutes.md").read_text()

    assert not said.generated
    assert "build a new steel bridge" in said.text or "bridge" in said.text
    assert said.text.split(" […] ")[0].split("\n\n")[0] in " ".join(text.split(" "))


def test_unknown_sample(owner: User) -> None:
    with pytest.raises(SampleUnknown):
        install_sample(owner=owner, sample_id="nothing")


def test_samples_are_installed_by_the_page(owner: User, owner_client: Client) -> None:
    create_endpoint(owner=owner, name="fake", base_url="http://127.0.0.1:9/v1")
    served = {"sample": "picture-reader", "served-model": "fake/org/llava"}
    response = owner_client.post(reverse("projects:sample"), served)
    project = Project.objects.get()

    assert response.url == project.get_absolute_url()
    assert spec_of(project.draft).spec.model.name == "org/llava"


@pytest.mark.parametrize(
    "values",
    [
        {"sample": "x"},
        {"sample": "picture-reader", "served-model": "not-mine/llava"},
        {"sample": "picture-reader", "served-model": f"fake/{'x' * 201}"},
    ],
)
def test_what_cannot_be_installed_is_refused_where_it_was_chosen(
    values: dict[str, str], owner: User, owner_client: Client
) -> None:
    create_endpoint(owner=owner, name="fake", base_url="http://127.0.0.1:9/v1")

    response = owner_client.post(reverse("projects:sample"), values)

    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()
    assert Project.objects.count() == 0


def test_gallery_shows_every_sample_with_what_it_contains_and_needs(
    owner: User, owner_client: Client
) -> None:
    create_endpoint(owner=owner, name="fake", base_url="http://127.0.0.1:9/v1")
    Endpoint.objects.update(model_names=["llava"])

    whole = owner_client.get(reverse("projects:gallery")).content.decode()
    part = owner_client.get(reverse("projects:gallery"), headers={"HX-Request": "true"})

    assert whole.count('name="sample"') == len(SAMPLES)
    needs = [need for one in SAMPLES for need in one.needs]
    assert whole.count('<option value="fake/llava"') == len(needs)
    assert whole.count('<option value="fake/llava" selected>') == sum(row.required for row in needs)
    assert all(one.title in whole for one in SAMPLES)
    assert (whole.count("<html"), part.content.decode().count("<html")) == (1, 0)


def test_gallery_proposes_nothing_where_there_is_a_choice_and_only_what_serves_models(
    owner: User, owner_client: Client
) -> None:
    for name in ("one", "two"):
        create_endpoint(owner=owner, name=name, base_url="http://127.0.0.1:9/v1")
    create_endpoint(owner=owner, name="tool", base_url="http://127.0.0.1:9", kind="http")

    whole = owner_client.get(reverse("projects:gallery")).content.decode()
    served = {"sample": "picture-reader", "served-model": "tool/llava"}

    assert " selected>" not in whole
    assert 'value="tool/' not in whole
    assert owner_client.post(reverse("projects:sample"), served).status_code == 422


def test_gallery_without_a_connection_says_that_one_can_follow(
    owner_client: Client, client: Client
) -> None:
    text = owner_client.get(reverse("projects:gallery")).content.decode()

    assert reverse("connections:create") in text
    assert owner_client.post(reverse("projects:gallery")).status_code == 405
    assert client.get(reverse("projects:gallery")).status_code == 302


def test_files_of_samples_are_offered(owner_client: Client, client: Client) -> None:
    url = reverse("projects:sample_file", args=["picture-reader", "receipt.png"])
    response = owner_client.get(url)

    assert b"".join(response.streaming_content).startswith(b"\x89PNG")
    assert client.get(url).status_code == 302
    missing = reverse("projects:sample_file", args=["picture-reader", "samples.py"])
    assert owner_client.get(missing).status_code == 404


@ids
def test_the_file_of_a_sample_survives_a_change_and_its_undoing(owner: User, one: Sample) -> None:
    text = install_sample(owner=owner, sample_id=one.id).draft.yaml
    made = parse(text)[0]
    assert made is not None

    changed = merge(text, assign(made, {"spec.deployment.port": 9099}))
    back = merge(changed, made)

    assert merge(text, made) == text
    assert changed != text
    assert back == text


@pytest.mark.parametrize("one", [one for one in SAMPLES if one.attached], ids=lambda one: one.id)
def test_questions_bring_their_files_into_the_sandbox(
    one: Sample, owner: User, owner_client: Client
) -> None:
    create_endpoint(owner=owner, name="fake", base_url="http://127.0.0.1:9/v1")
    served = {need.path: ("fake", "fake-model") for need in one.needs}
    project = install_sample(owner=owner, sample_id=one.id, served=served)
    version = build_version(project=project, by=owner)

    enclosed = gateway().app_for(owner, version.app_key).enclosed

    assert {text: address.rpartition("/")[2] for text, address in enclosed.items()} == one.attached
    for address in enclosed.values():
        assert owner_client.get(address).status_code == 200
