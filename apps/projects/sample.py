"""Sample projects on their way into a person's studio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.text import slugify

from apps.knowledge.models import Collection
from apps.knowledge.services import add_files, create_collection
from apps.projects.domain.ops import assign
from apps.projects.errors import SampleUnknown
from apps.projects.models import Project
from apps.projects.queries import spec_of
from apps.projects.samples import SAMPLES, Sample, sample
from apps.projects.services import create_project, save_draft

if TYPE_CHECKING:
    from apps.accounts.models import User

Served = tuple[str, str]
"""A connection and one of its models."""


def install_sample(
    *, owner: User, sample_id: str = SAMPLES[0].id, served: Mapping[str, Served] | None = None
) -> Project:
    """A project of the table with its documents, which are indexed in the background.

    served: by a need's path, what serves it; a need without one stays open, which the project's
    findings say. Raises SampleUnknown, or SpecRefused for a path that is none.
    """
    try:
        chosen = sample(sample_id)
    except KeyError as error:
        raise SampleUnknown(id=sample_id) from error
    project = create_project(owner=owner, application=chosen.application, title=chosen.title)
    changes: dict[str, Any] = {
        "metadata.description": chosen.description,
        "spec.starters": list(chosen.starters),
        **chosen.changes,
        **{
            path: {"connection": connection, "name": model}
            for path, (connection, model) in (served or {}).items()
        },
    }
    if chosen.collection:
        changes["spec.knowledge.collections"] = [_collection(owner, chosen).name]
    spec = assign(spec_of(project.draft), changes)
    project.draft = save_draft(
        project=project, spec=spec, base_revision=project.draft.revision, by=owner
    )
    return project


def _collection(owner: User, chosen: Sample) -> Collection:
    title = chosen.collection
    collection = create_collection(
        owner=owner, name=free_collection_name(owner, title), title=title
    )
    files = [
        (path.name, SimpleUploadedFile(path.name, path.read_bytes(), "text/markdown"))
        for path in chosen.documents
    ]
    add_files(collection=collection, files=files, by=owner)
    return collection


def free_collection_name(owner: User, title: str) -> str:
    """A collection name made from a title that this owner does not use yet."""
    words = re.sub(r"[^a-z0-9]+", "-", slugify(title)).strip("-")
    stem = re.sub(r"^[^a-z]+", "", words)[:50].strip("-") or "collection"
    taken = set(
        Collection.objects.filter(owner=owner, name__startswith=stem).values_list("name", flat=True)
    )
    if stem not in taken:
        return stem
    return next(name for number in range(2, 10_000) if (name := f"{stem}-{number}") not in taken)
