"""The sample project: fictional company rules, ready to build and to ask."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.text import slugify

from apps.knowledge.models import Collection
from apps.knowledge.services import add_files, create_collection
from apps.projects.domain.ops import assign
from apps.projects.models import Project
from apps.projects.queries import spec_of
from apps.projects.services import create_project, save_draft

if TYPE_CHECKING:
    from apps.accounts.models import User

FOLDER = Path(__file__).parent / "sample_documents"
TITLE = "Company handbook"
DESCRIPTION = "The sample: answers questions about the rules of a fictional company."


def install_sample(*, owner: User) -> Project:
    """A QnA project over the sample documents, which are indexed in the background."""
    collection = create_collection(
        owner=owner, name=free_collection_name(owner, "Sample handbook"), title="Sample handbook"
    )
    files = [
        (path.name, SimpleUploadedFile(path.name, path.read_bytes(), "text/markdown"))
        for path in sorted(FOLDER.glob("*.md"))
    ]
    add_files(collection=collection, files=files, by=owner)
    project = create_project(owner=owner, application="qna", title=TITLE)
    changes = {
        "metadata.description": DESCRIPTION,
        "spec.knowledge.collections": [collection.name],
    }
    spec = assign(spec_of(project.draft), changes)
    save_draft(project=project, spec=spec, base_revision=project.draft.revision, by=owner)
    return project


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
