"""Create, save, apply, delete. Races are settled by conditional updates and constraints."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from apps.projects.activity import note
from apps.projects.domain.canonical import sha256
from apps.projects.domain.diff import describe
from apps.projects.domain.findings import Finding
from apps.projects.domain.ops import assign, digest, renamed, with_collections
from apps.projects.domain.shape import Path
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.steps import SLUGS
from apps.projects.domain.validate import findings
from apps.projects.domain.yaml_io import brief, locate, merge, parse, starter
from apps.projects.enums import Verb
from apps.projects.errors import (
    DraftConflict,
    EditedElsewhere,
    NameTaken,
    SpecRefused,
)
from apps.projects.models import Draft, Project, SpecVersion
from apps.projects.queries import KEPT_AFTER_DELETION, context_for, spec_of

if TYPE_CHECKING:
    from apps.accounts.models import User

SAVE_ATTEMPTS = 5
"""Saves of different parts of one draft that may fall together."""


@transaction.atomic
def create_project(
    *, owner: User, application: str, title: str, name: str | None = None
) -> Project:
    """A project with a commented starter draft and no knowledge yet.

    name is made from the title where none is given. Raises NameTaken if it is given and in use.
    """
    chosen = name or _free_name(owner, title)
    text = starter(application, chosen, title)
    spec = _parsed(text)
    text = merge(text, with_collections(spec, ()))
    project = _insert(owner=owner, spec=_parsed(text), text=text)
    note(project, owner, Verb.CREATED)
    return project


@transaction.atomic
def clone_project(*, source: Project | SpecVersion, by: User) -> Project:
    """A project of one's own with the same document under a free name. Its collections and connections
    are still named; those that the new owner does not have are findings."""
    original = source.project if isinstance(source, SpecVersion) else source
    text = source.yaml if isinstance(source, SpecVersion) else source.draft.yaml
    title = f"{original.title} (copy)"[:120]
    copied = renamed(_parsed(text), _free_name(by, original.name), title)
    project = _insert(owner=by, spec=copied, text=merge(text, copied))
    note(project, by, Verb.CREATED, [f"Copied from {original.title}."])
    return project


@transaction.atomic
def import_project(*, owner: User, spec: ProjectSpec, source: str) -> Project:
    """A project of what was read from a foreign file, under a free name.

    source: the format in words, for its activity.
    """
    name = _free_name(owner, spec.metadata.name)
    spec = renamed(spec, name, spec.metadata.title or spec.metadata.name)
    project = _insert(owner=owner, spec=spec, text=brief(spec))
    note(project, owner, Verb.CREATED, [f"Imported from a {source}."])
    return project


@transaction.atomic
def save_draft(
    *,
    project: Project,
    base_revision: int,
    by: User,
    yaml: str | None = None,
    spec: ProjectSpec | None = None,
) -> Draft:
    """Save a whole document, or a spec into the present document, comments kept.

    base_revision: the revision that the editor started from. Nothing changed -> no new revision.
    Raises SpecRefused if the YAML does not fit, DraftConflict if somebody saved in between,
    NameTaken if metadata.name belongs to another project.
    """
    draft = Draft.objects.get(pk=project.pk)
    before = draft.yaml
    text = yaml if yaml is not None else merge(before, _given(spec))
    wanted = _parsed(text)
    if text == draft.yaml:
        return draft
    saved = Draft.objects.filter(pk=draft.pk, revision=base_revision).update(
        yaml=text, revision=base_revision + 1, updated_by=by, updated_at=timezone.now()
    )
    if not saved:
        raise _conflict(project, text, base_revision)
    _copy_to_project(project, wanted)
    if changes := _changes(before, wanted):
        note(project, by, Verb.EDITED, changes)
    draft.refresh_from_db()
    return draft


def _changes(before: str, wanted: ProjectSpec) -> list[str]:
    old, _ = parse(before)
    return describe(old, wanted) if old else []


def save_changes(
    *, project: Project, changes: Mapping[str, Any], parts: Sequence[Path], seen: str, by: User
) -> Draft:
    """Save some settings into whatever the draft is now; other parts of it may have changed meanwhile.

    changes    values by dotted path, all within `parts`
    seen       `ops.digest` of those parts as the editor saw them
    Raises SpecRefused, NameTaken, or DraftConflict if somebody changed the same parts since.
    """
    for _ in range(SAVE_ATTEMPTS):
        draft = Draft.objects.get(pk=project.pk)
        now = spec_of(draft)
        edited = assign(now, changes)
        if digest(now, parts) not in (seen, digest(edited, parts)):
            break
        try:
            return save_draft(project=project, spec=edited, base_revision=draft.revision, by=by)
        except DraftConflict:
            continue
    raise DraftConflict(
        title=project.title,
        base="it was opened at",
        theirs=draft.revision,
        their_yaml=draft.yaml,
        your_yaml=merge(draft.yaml, edited),
    )


def keep_unfit_input(*, project: Project, place: str, values: Any) -> None:
    """Remember what was typed and does not fit the spec yet; None forgets it.

    place: a wizard step, or "yaml".
    """
    with transaction.atomic():
        draft = Draft.objects.select_for_update().get(pk=project.pk)
        kept = {key: value for key, value in draft.unfit_input.items() if key != place}
        if values is not None:
            kept[place] = _storable(values)
        if kept != draft.unfit_input:
            Draft.objects.filter(pk=draft.pk).update(unfit_input=kept)


def _storable(values: Any) -> Any:
    """Without NUL characters, which PostgreSQL stores neither in text nor in JSON."""
    if isinstance(values, str):
        return values.replace("\0", "\ufffd")
    if isinstance(values, dict):
        return {_storable(key): _storable(value) for key, value in values.items()}
    return [_storable(value) for value in values] if isinstance(values, list) else values


def remember_step(*, project: Project, step: str) -> None:
    """The furthest step reached, where the wizard goes on when its user comes back."""
    reached = project.draft.wizard_step
    if reached not in SLUGS or SLUGS.index(step) > SLUGS.index(reached):
        Draft.objects.filter(pk=project.pk).update(wizard_step=step)
        project.draft.wizard_step = step


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply_document` did, or would do. changes are sentences; findings do not block saving."""

    action: Literal["created", "updated", "unchanged"]
    name: str
    project: Project | None = None
    changes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@transaction.atomic
def apply_document(
    *, owner: User, text: str, force: bool = False, dry_run: bool = False
) -> Applied:
    """Make the owner's project of that name be this document. Doing it twice changes nothing more.

    Raises SpecRefused if the document does not fit, and EditedElsewhere if the project was edited
    elsewhere since the last apply, unless `force`.
    """
    spec = _parsed(text)
    found = locate(text, findings(spec, context_for(owner)))
    name = spec.metadata.name
    project = (
        Project.objects.select_related("owner", "draft")
        .filter(owner=owner, name=name, deleted_at__isnull=True)
        .first()
    )
    if project is None:
        created = None if dry_run else _insert(owner=owner, spec=spec, text=text, applied=True)
        return Applied("created", name, created, [f"Project {name} created."], found)
    changes = describe(spec_of(project.draft), spec)
    if not changes and (text == project.draft.yaml or dry_run):
        return Applied("unchanged", name, project, [], found)
    if changes and not force:
        _refuse_foreign_edits(project, text)
    if not dry_run:
        save_draft(project=project, yaml=text, base_revision=project.draft.revision, by=owner)
        Draft.objects.filter(pk=project.pk).update(applied_sha256=sha256(spec))
    return Applied("updated" if changes else "unchanged", name, project, changes, found)


def delete_project(*, project: Project, by: User | None = None) -> None:
    """Hide a project; it can be restored for 30 days. Those deleted longer ago go for good."""
    now = timezone.now()
    note(project, by, Verb.DELETED)
    Project.objects.filter(pk=project.pk, deleted_at__isnull=True).update(deleted_at=now)
    Project.objects.filter(deleted_at__lt=now - KEPT_AFTER_DELETION).delete()


def restore_project(*, project: Project, by: User | None = None) -> Project:
    """Raises NameTaken if another project has taken its name meanwhile."""
    try:
        with transaction.atomic():
            Project.objects.filter(pk=project.pk).update(deleted_at=None)
    except IntegrityError as error:
        raise NameTaken(name=project.name) from error
    note(project, by, Verb.RESTORED)
    project.refresh_from_db()
    return project


def _insert(*, owner: User, spec: ProjectSpec, text: str, applied: bool = False) -> Project:
    try:
        with transaction.atomic():
            project = Project.objects.create(owner=owner, **_columns(spec))
    except IntegrityError as error:
        raise NameTaken(name=spec.metadata.name) from error
    digest = sha256(spec) if applied else ""
    Draft.objects.create(project=project, yaml=text, updated_by=owner, applied_sha256=digest)
    return project


def _columns(spec: ProjectSpec) -> dict[str, str]:
    """What a project's row repeats of its draft, to be listed and searched."""
    return {
        "name": spec.metadata.name,
        "title": spec.metadata.title or spec.metadata.name,
        "description": spec.metadata.description,
        "application": spec.spec.application,
        "tags": "".join(f",{tag}" for tag in spec.metadata.tags) + "," * bool(spec.metadata.tags),
    }


def _copy_to_project(project: Project, spec: ProjectSpec) -> None:
    columns = _columns(spec)
    try:
        with transaction.atomic():
            Project.objects.filter(pk=project.pk).update(updated_at=timezone.now(), **columns)
    except IntegrityError as error:
        raise NameTaken(name=spec.metadata.name) from error
    for column, value in columns.items():
        setattr(project, column, value)


def _parsed(text: str) -> ProjectSpec:
    spec, found = parse(text)
    if spec is None:
        raise SpecRefused(found)
    return spec


def _given(spec: ProjectSpec | None) -> ProjectSpec:
    if spec is None:
        raise TypeError("save_draft needs yaml or spec")
    return spec


def _conflict(project: Project, text: str, base_revision: int) -> DraftConflict:
    theirs = Draft.objects.get(pk=project.pk)
    return DraftConflict(
        title=project.title,
        base=base_revision,
        theirs=theirs.revision,
        their_yaml=theirs.yaml,
        your_yaml=text,
    )


def _refuse_foreign_edits(project: Project, text: str) -> None:
    draft = project.draft
    known = draft.applied_sha256
    untouched = draft.revision == 1 if not known else sha256(spec_of(draft)) == known
    if not untouched:
        raise EditedElsewhere(
            title=project.title,
            theirs=draft.revision,
            their_yaml=draft.yaml,
            your_yaml=text,
        )


def _free_name(owner: User, title: str) -> str:
    stem = re.sub(r"-{2,}", "-", slugify(title)).strip("-_")[:50].strip("-")
    stem = re.sub(r"[^a-z0-9-]", "-", stem)
    stem = re.sub(r"-{2,}", "-", re.sub(r"^[^a-z]+", "", stem)).strip("-") or "project"
    taken = set(
        Project.objects.filter(
            owner=owner, deleted_at__isnull=True, name__startswith=stem
        ).values_list("name", flat=True)
    )
    if stem not in taken:
        return stem
    return next(name for number in range(2, 10_000) if (name := f"{stem}-{number}") not in taken)
