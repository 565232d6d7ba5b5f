"""Versions: freeze the draft, name what was frozen, make one the draft again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.projects.activity import note
from apps.projects.domain.canonical import sha256
from apps.projects.domain.compile import build_graph
from apps.projects.domain.validate import errors, findings
from apps.projects.domain.yaml_io import locate, plain
from apps.projects.enums import Verb
from apps.projects.errors import BuildRefused, DraftConflict
from apps.projects.models import Draft, Project, ProjectEvent, SpecVersion
from apps.projects.placing import place_knowledge
from apps.projects.queries import context_for, spec_of
from apps.projects.services import save_draft

if TYPE_CHECKING:
    from apps.accounts.models import User

BUILD_ATTEMPTS = 20
"""Numbers tried when several builds of one project race; each round, one of them wins."""


def build_version(*, project: Project, by: User, name: str = "") -> SpecVersion:
    """Freeze the draft. The same spec gives the version that already has it.

    Raises BuildRefused with the findings that stand in the way.
    """
    draft = Draft.objects.get(pk=project.pk)
    spec = spec_of(draft)
    context = context_for(project.owner)
    found = findings(spec, context)
    if blocking := errors(found):
        raise BuildRefused(locate(draft.yaml, blocking))
    frozen = {
        "name": name,
        "yaml": draft.yaml,
        "spec": plain(spec),
        "graph": build_graph(spec, context.kinds).model_dump(mode="json"),
        "created_by": by,
    }
    digest = sha256(spec)
    for _ in range(BUILD_ATTEMPTS):
        version = _same_spec(project, digest, name)
        if version is None:
            try:
                with transaction.atomic():
                    version = SpecVersion.objects.create(
                        project=project, number=_next_number(project), sha256=digest, **frozen
                    )
            except IntegrityError:
                continue
        place_knowledge(version)
        return version
    raise DraftConflict(
        title=project.title,
        theirs=draft.revision,
        base=draft.revision,
        their_yaml=draft.yaml,
        your_yaml=draft.yaml,
    )


def name_version(*, version: SpecVersion, name: str, notes: str = "") -> SpecVersion:
    version.name, version.notes = name, notes
    version.save(update_fields=["name", "notes"])
    return version


def restore_version(*, version: SpecVersion, by: User) -> Draft:
    """Make a version's document the draft again; the draft that it replaces is kept in the activity."""
    draft = Draft.objects.get(pk=version.project_id)
    told = [f"Version {version} is the draft again."]
    note(version.project, by, Verb.RESTORED_VERSION, told, document=draft.yaml)
    return save_draft(
        project=version.project, yaml=version.yaml, base_revision=draft.revision, by=by
    )


@transaction.atomic
def bring_back_draft(*, event: ProjectEvent, by: User) -> Draft:
    """Make the draft what it was before a version replaced it; that one is kept in its turn."""
    draft = Draft.objects.get(pk=event.project_id)
    told = ["The draft from before is back."]
    note(event.project, by, Verb.RESTORED_VERSION, told, document=draft.yaml)
    return save_draft(
        project=event.project, yaml=event.document, base_revision=draft.revision, by=by
    )


def _same_spec(project: Project, digest: str, name: str) -> SpecVersion | None:
    version = SpecVersion.objects.filter(project=project, sha256=digest).first()
    if version and name and version.name != name:
        name_version(version=version, name=name, notes=version.notes)
    return version


def _next_number(project: Project) -> int:
    highest = project.versions.aggregate(highest=Max("number"))["highest"]
    return (highest or 0) + 1
