"""Saving, building, applying: who wins a race, and that nothing is lost or doubled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import User
from apps.knowledge.models import Collection
from apps.projects.domain.ops import assign, digest
from apps.projects.domain.yaml_io import starter
from apps.projects.errors import (
    BuildRefused,
    DraftConflict,
    EditedElsewhere,
    NameTaken,
    SpecRefused,
)
from apps.projects.models import Draft, Project, SpecVersion
from apps.projects.queries import (
    collections_of,
    deleted_projects_for,
    projects_for,
    spec_of,
    versions_for,
)
from apps.projects.services import (
    apply_document,
    create_project,
    delete_project,
    keep_unfit_input,
    restore_project,
    save_changes,
    save_draft,
)
from apps.projects.version_services import build_version, restore_version
from tests.apps.projects.conftest import change


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run the calls in threads that start together; results or exceptions in their order."""
    results: list[object] = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def run(place: int, call: Callable[[], object]) -> None:
        gate.wait()
        try:
            results[place] = call()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


# create


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("HR helpdesk", "hr-helpdesk"),
        ("  Äpfel & Birnen -- 2024 ", "apfel-birnen-2024"),
        ("2024 plans", "plans"),
        ("日本", "project"),
        ("a" * 120, "a" * 50),
        ("foo_bar", "foo-bar"),
    ],
)
def test_create_makes_a_name_from_the_title(owner: User, title: str, name: str) -> None:
    project = create_project(owner=owner, application="qna", title=title)

    assert project.name == name
    assert spec_of(project.draft).metadata.name == name


def test_create_numbers_equal_titles(owner: User, stranger: User) -> None:
    names = [
        create_project(owner=who, application="qna", title="A").name
        for who in (owner, owner, stranger)
    ]

    assert names == ["a", "a-2", "a"]


def test_create_with_a_name_that_is_taken(owner: User, project: Project) -> None:
    with pytest.raises(NameTaken):
        create_project(owner=owner, application="qna", title="X", name=project.name)


# save


def test_save_counts_revisions_and_updates_the_row(owner: User, project: Project) -> None:
    change(project, owner, metadata__title="New title")
    project.refresh_from_db()

    assert (project.title, project.draft.revision) == ("New title", 2)


def test_save_of_the_same_is_no_revision(owner: User, project: Project) -> None:
    save_draft(project=project, yaml=project.draft.yaml, base_revision=1, by=owner)

    assert Draft.objects.get().revision == 1


def test_save_on_an_old_revision_shows_both_sides(owner: User, project: Project) -> None:
    text = project.draft.yaml
    change(project, owner, deployment__port=9000)

    with pytest.raises(DraftConflict) as conflict:
        save_draft(project=project, yaml=text.replace("8080", "7000"), base_revision=1, by=owner)

    assert "port: 9000" in conflict.value.their_yaml
    assert "port: 7000" in conflict.value.your_yaml
    assert spec_of(Draft.objects.get()).spec.deployment.port == 9000


def test_save_of_what_does_not_fit(owner: User, project: Project) -> None:
    with pytest.raises(SpecRefused) as refused:
        save_draft(project=project, yaml="a: 1", base_revision=1, by=owner)

    assert refused.value.findings
    assert Draft.objects.get().revision == 1


def test_save_under_a_name_that_is_taken(owner: User, project: Project) -> None:
    other = create_project(owner=owner, application="qna", title="Other")
    text = other.draft.yaml.replace("name: other", f"name: {project.name}")

    with pytest.raises(NameTaken):
        save_draft(project=other, yaml=text, base_revision=1, by=owner)
    assert Draft.objects.get(pk=other.pk).revision == 1


@pytest.mark.django_db(transaction=True)
def test_one_of_two_saves_at_once_wins(owner: User) -> None:
    project = create_project(owner=owner, application="qna", title="Race")
    texts = [project.draft.yaml.replace("8080", port) for port in ("7001", "7002")]

    def save(text: str) -> Callable[[], object]:
        return lambda: save_draft(project=project, yaml=text, base_revision=1, by=owner)

    results = at_once(*(save(text) for text in texts))

    assert sorted(type(one).__name__ for one in results) == ["Draft", "DraftConflict"]
    assert Draft.objects.get().revision == 2


@pytest.mark.django_db(transaction=True)
def test_saves_of_different_parts_at_once_are_both_kept(owner: User) -> None:
    project = create_project(owner=owner, application="qna", title="Race")
    before = spec_of(project.draft)

    def save(path: str, value: int, part: tuple[str, ...]) -> Callable[[], object]:
        return lambda: save_changes(
            project=project,
            changes={path: value},
            parts=(part,),
            seen=digest(before, (part,)),
            by=owner,
        )

    results = at_once(
        save("spec.deployment.port", 9000, ("spec", "deployment")),
        save("spec.parameters.top_k", 7, ("spec", "parameters")),
    )
    after = spec_of(Draft.objects.get()).spec

    assert [type(one) for one in results] == [Draft, Draft]
    assert (after.deployment.port, after.parameters.top_k) == (9000, 7)


def test_changes_of_the_same_part_are_a_conflict(owner: User, project: Project) -> None:
    part = ("spec", "deployment")
    seen = digest(spec_of(project.draft), (part,))
    change(project, owner, deployment__port=9000)

    def save(port: int) -> Draft:
        return save_changes(
            project=project,
            changes={"spec.deployment.port": port},
            parts=(part,),
            seen=seen,
            by=owner,
        )

    with pytest.raises(DraftConflict):
        save(7000)
    assert spec_of(save(9000)).spec.deployment.port == 9000


def test_unfit_input_is_kept_and_forgotten(project: Project) -> None:
    keep_unfit_input(project=project, place="model", values={"a": ["b"]})
    keep_unfit_input(project=project, place="yaml", values="x")
    keep_unfit_input(project=project, place="model", values=None)

    assert Draft.objects.get().unfit_input == {"yaml": "x"}


# build


def test_build_freezes_spec_graph_and_text(owner: User, ready: Project) -> None:
    version = build_version(project=ready, by=owner, name="first")
    change(ready, owner, deployment__port=9000)
    version.refresh_from_db()

    assert (version.number, str(version)) == (1, "v1 first")
    assert version.spec["spec"]["deployment"]["port"] == 8080
    assert version.graph["nodes"][1]["component"] == "retriever"
    assert len(version.sha256) == 64


def test_build_of_the_same_spec_is_the_same_version(owner: User, ready: Project) -> None:
    first = build_version(project=ready, by=owner)
    change(ready, owner, deployment__port=9000)
    second = build_version(project=ready, by=owner)
    change(ready, owner, deployment__port=8080)
    third = build_version(project=ready, by=owner)

    assert (first.number, second.number, third.pk) == (1, 2, first.pk)


def test_build_says_what_is_missing_and_where(owner: User, project: Project) -> None:
    with pytest.raises(BuildRefused) as refused:
        build_version(project=project, by=owner)

    assert [(one.code, one.line > 0) for one in refused.value.findings] == [
        ("spec.knowledge.missing", True)
    ]
    assert SpecVersion.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_builds_at_once_make_one_version(owner: User) -> None:
    Collection.objects.create(owner=owner, name="handbook", title="H")
    project = create_project(owner=owner, application="qna", title="Race")
    change(project, owner, knowledge__collections=["handbook"])

    results = at_once(*[lambda: build_version(project=project, by=owner)] * 6)

    assert {type(one) for one in results} == {SpecVersion}
    assert list(SpecVersion.objects.values_list("number", flat=True)) == [1]


@pytest.mark.django_db(transaction=True)
def test_numbers_are_unique_when_different_specs_are_built_at_once(owner: User) -> None:
    Collection.objects.create(owner=owner, name="handbook", title="H")
    project = create_project(owner=owner, application="qna", title="Race")
    change(project, owner, knowledge__collections=["handbook"])

    def edit_and_build(port: int) -> Callable[[], object]:
        def run() -> object:
            for _ in range(50):
                draft = Draft.objects.get(pk=project.pk)
                try:
                    save_draft(
                        project=project,
                        spec=assign(spec_of(draft), {"deployment.port": port}),
                        base_revision=draft.revision,
                        by=owner,
                    )
                    return build_version(project=project, by=owner)
                except DraftConflict:
                    continue
            return None

        return run

    results = at_once(*(edit_and_build(port) for port in range(9001, 9006)))
    numbers = sorted(SpecVersion.objects.values_list("number", flat=True))

    assert {type(one) for one in results} == {SpecVersion}
    assert numbers == list(range(1, len(numbers) + 1))


def test_restore_makes_a_version_the_draft(owner: User, ready: Project) -> None:
    version = build_version(project=ready, by=owner)
    change(ready, owner, deployment__port=9000)
    restore_version(version=version, by=owner)

    assert spec_of(Draft.objects.get()).spec.deployment.port == 8080
    assert build_version(project=ready, by=owner) == version


def test_collections_follow_the_spec(owner: User, ready: Project, collection: Collection) -> None:
    version = build_version(project=ready, by=owner)

    assert collections_of(ready) == [collection]
    assert collections_of(version) == [collection]


# apply


def test_apply_twice_changes_nothing_more(owner: User) -> None:
    text = starter("qna", "cli-project")
    first = apply_document(owner=owner, text=text)
    second = apply_document(owner=owner, text=text)

    assert (first.action, second.action) == ("created", "unchanged")
    assert [one.code for one in first.findings] == ["spec.collection.unknown"]
    assert Draft.objects.get().revision == 1


def test_apply_says_what_changed(owner: User) -> None:
    text = starter("qna", "cli-project")
    apply_document(owner=owner, text=text)
    applied = apply_document(owner=owner, text=text.replace("8080", "9000"))

    assert (applied.action, applied.changes) == ("updated", ["Port changed from 8080 to 9000."])
    assert spec_of(Draft.objects.get()).spec.deployment.port == 9000


def test_apply_of_comments_only_is_saved_as_unchanged(owner: User) -> None:
    text = starter("qna", "cli-project")
    apply_document(owner=owner, text=text)
    applied = apply_document(owner=owner, text=text + "# more\n")

    assert (applied.action, Draft.objects.get().yaml) == ("unchanged", text + "# more\n")


@pytest.mark.parametrize("exists", [True, False])
def test_apply_dry_writes_nothing(owner: User, exists: bool) -> None:
    text = starter("qna", "cli-project")
    if exists:
        apply_document(owner=owner, text=text)
    applied = apply_document(owner=owner, text=text.replace("8080", "9000"), dry_run=True)

    assert applied.action == ("updated" if exists else "created")
    assert Project.objects.count() == int(exists)
    assert not Draft.objects.filter(yaml__contains="9000").exists()


def test_apply_does_not_overwrite_edits_made_elsewhere(owner: User) -> None:
    text = starter("qna", "cli-project")
    apply_document(owner=owner, text=text)
    change(Project.objects.get(), owner, deployment__port=7000)

    with pytest.raises(EditedElsewhere, match="edited elsewhere"):
        apply_document(owner=owner, text=text.replace("8080", "9000"))
    assert apply_document(owner=owner, text=text.replace("8080", "9000"), force=True).changes


def test_apply_refuses_what_does_not_fit(owner: User) -> None:
    with pytest.raises(SpecRefused):
        apply_document(owner=owner, text="a: 1")


# delete and see


def test_deleted_projects_can_be_restored(owner: User, project: Project) -> None:
    delete_project(project=project)
    assert (list(projects_for(owner)), list(deleted_projects_for(owner))) == ([], [project])
    restore_project(project=project)

    assert list(projects_for(owner)) == [project]


def test_restore_of_a_name_taken_meanwhile(owner: User, project: Project) -> None:
    delete_project(project=project)
    create_project(owner=owner, application="qna", title=project.title)

    with pytest.raises(NameTaken):
        restore_project(project=project)


def test_long_deleted_projects_go_for_good(owner: User, project: Project) -> None:
    Project.objects.update(deleted_at=timezone.now() - timedelta(days=31))
    assert not deleted_projects_for(owner).exists()
    delete_project(project=create_project(owner=owner, application="qna", title="B"))

    assert list(Project.objects.values_list("name", flat=True)) == ["b"]


def test_who_sees_what(owner: User, stranger: User, admin: User, ready: Project) -> None:
    build_version(project=ready, by=owner)

    assert [projects_for(who).count() for who in (owner, stranger, admin)] == [1, 0, 1]
    assert [versions_for(who).count() for who in (owner, stranger, admin)] == [1, 0, 1]
