from __future__ import annotations

from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.projects.models import Project
from apps.projects.queries import spec_of
from apps.projects.version_services import build_version
from tests.apps.projects.conftest import change


def test_a_copy_has_the_document_and_a_name_of_its_own(
    owner_client: Client, project: Project
) -> None:
    owner_client.post(reverse("projects:clone", args=[project.pk]))
    copied = Project.objects.exclude(pk=project.pk).get()

    assert (copied.name, copied.title) == ("hr-helpdesk-2", "HR helpdesk (copy)")
    assert spec_of(copied.draft).spec == spec_of(project.draft).spec
    assert copied.draft.yaml.count("#") == project.draft.yaml.count("#")


def test_a_copy_of_a_version_has_its_document(
    owner: User, owner_client: Client, ready: Project
) -> None:
    version = build_version(project=ready, by=owner)
    change(ready, owner, parameters__temperature=1.5)

    owner_client.post(reverse("projects:clone", args=[ready.pk]), {"version": version.number})

    copied = Project.objects.exclude(pk=ready.pk).get()
    assert spec_of(copied.draft).spec.parameters.temperature == 0.2


def test_versions_that_do_not_exist(owner_client: Client, project: Project) -> None:
    address = reverse("projects:clone", args=[project.pk])

    assert owner_client.post(address, {"version": "7"}).status_code == 404
    assert owner_client.post(address, {"version": "x"}).status_code == 404
    assert Project.objects.count() == 1


def test_a_stranger_and_the_wrong_method(
    stranger_client: Client, owner_client: Client, project: Project
) -> None:
    address = reverse("projects:clone", args=[project.pk])

    assert stranger_client.post(address).status_code == 404
    assert owner_client.get(address).status_code == 405
