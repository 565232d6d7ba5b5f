"""A version that becomes the draft loses nothing: what the draft was can be brought back."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.projects.models import Project
from apps.projects.queries import spec_of
from apps.projects.version_services import build_version
from tests.apps.projects.conftest import change


def test_the_replaced_draft_comes_back_byte_for_byte(
    owner: User, owner_client: Client, ready: Project
) -> None:
    version = build_version(project=ready, by=owner)
    change(ready, owner, parameters__temperature=1.5)
    before = ready.draft.yaml
    owner_client.post(reverse("projects:revert", args=[ready.pk, version.number]))
    versions = owner_client.get(reverse("projects:versions", args=[ready.pk]))
    kept = versions.context["replaced"]

    owner_client.post(reverse("projects:bring_back", args=[ready.pk, kept.pk]))

    ready.draft.refresh_from_db()
    assert ready.draft.yaml == before
    assert spec_of(ready.draft).spec.parameters.temperature == 1.5
    again = owner_client.get(reverse("projects:versions", args=[ready.pk])).context["replaced"]
    assert again.document == version.yaml


def test_events_without_a_document_a_stranger_and_the_wrong_method(
    owner_client: Client, stranger_client: Client, project: Project
) -> None:
    event = project.events.get()
    address = reverse("projects:bring_back", args=[project.pk, event.pk])

    assert owner_client.post(address).status_code == 404
    assert stranger_client.post(address).status_code == 404
    assert owner_client.get(address).status_code == 405
