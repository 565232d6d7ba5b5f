from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from apps.connections.queries import served_models
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.models import Collection
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.validate import CollectionFacts, Context
from apps.projects.domain.yaml_io import parse
from apps.projects.errors import SpecRefused
from apps.projects.models import Draft, Project, SpecVersion

if TYPE_CHECKING:
    from apps.accounts.models import User

KEPT_AFTER_DELETION = timedelta(days=30)


def projects_for(user: User) -> QuerySet[Project]:
    """What this user may see: their own projects; administrators see everybody's."""
    return _visible(user).filter(deleted_at__isnull=True)


def deleted_projects_for(user: User) -> QuerySet[Project]:
    """Deleted projects that can still be restored, newest deletion first."""
    return _visible(user).filter(deleted_at__gt=_restorable_since()).order_by("-deleted_at")


def versions_for(user: User) -> QuerySet[SpecVersion]:
    rows = SpecVersion.objects.select_related("project", "project__owner", "created_by")
    rows = rows.filter(project__deleted_at__isnull=True)
    return rows if user.is_superuser else rows.filter(project__owner=user)


def spec_of(source: Draft | SpecVersion) -> ProjectSpec:
    """The spec of a saved draft or version. Raises SpecRefused if this release cannot read it."""
    spec, findings = parse(source.yaml)
    if spec is None:
        raise SpecRefused(findings)
    return spec


def collections_of(source: Project | SpecVersion) -> list[Collection]:
    """The owner's collections that the spec names, in its order; unknown names are left out."""
    project = source.project if isinstance(source, SpecVersion) else source
    spec = spec_of(source if isinstance(source, SpecVersion) else project.draft)
    names = spec.spec.knowledge.collections
    rows = {
        row.name: row
        for row in Collection.objects.filter(owner_id=project.owner_id, name__in=names)
    }
    return [rows[name] for name in names if name in rows]


def context_for(owner: User) -> Context:
    """What a spec of this owner may refer to."""
    return Context(
        connections=served_models(owner),
        collections=facts_of(owned_collections(owner)),
    )


def owned_collections(owner: User) -> QuerySet[Collection]:
    """The owner's collections with `ready_documents` and `all_documents`."""
    return Collection.objects.filter(owner=owner).annotate(
        ready_documents=Count("documents", filter=Q(documents__status=DocumentStatus.READY)),
        all_documents=Count("documents"),
    )


def facts_of(rows: Iterable[Any]) -> dict[str, CollectionFacts]:
    """Facts by name, from rows of `owned_collections`."""
    return {
        row.name: CollectionFacts(
            ready_documents=row.ready_documents,
            chunk_size=row.chunk_size,
            chunk_overlap=row.chunk_overlap,
            embedding=row.embedding_model,
        )
        for row in rows
    }


def _visible(user: User) -> QuerySet[Project]:
    rows = Project.objects.select_related("owner", "draft")
    return rows if user.is_superuser else rows.filter(owner=user)


def _restorable_since() -> datetime:
    return timezone.now() - KEPT_AFTER_DELETION
