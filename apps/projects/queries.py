from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from apps.connections.queries import kinds_of, served_models
from apps.knowledge.enums import DocumentStatus
from apps.knowledge.models import Collection
from apps.projects.domain.knowledge_findings import CollectionFacts
from apps.projects.domain.spec import ProjectSpec
from apps.projects.domain.validate import Context
from apps.projects.domain.yaml_io import parse
from apps.projects.enums import Act, Role
from apps.projects.errors import RoleGone, RoleMissing, SpecRefused
from apps.projects.models import Draft, Membership, Project, SpecVersion

if TYPE_CHECKING:
    from apps.accounts.models import User

KEPT_AFTER_DELETION = timedelta(days=30)


def projects_for(user: User, role: Role = Role.VIEWER) -> QuerySet[Project]:
    """Projects in which this user has at least the role: their own, and those shared with them.
    Administrators have every role everywhere."""
    return _visible(user, role).filter(deleted_at__isnull=True)


def deleted_projects_for(user: User) -> QuerySet[Project]:
    """Deleted projects that this user can still restore, newest deletion first."""
    rows = _visible(user, Role.OWNER).filter(deleted_at__gt=_restorable_since())
    return rows.order_by("-deleted_at")


def tags_of(projects: QuerySet[Project]) -> list[str]:
    """Every tag of these projects, by name."""
    rows = projects.exclude(tags="").order_by().values_list("tags", flat=True).distinct()
    return sorted({tag for row in rows for tag in row.split(",") if tag})


def versions_for(user: User) -> QuerySet[SpecVersion]:
    rows = SpecVersion.objects.select_related("project", "project__owner", "created_by")
    rows = rows.filter(project__deleted_at__isnull=True)
    return rows if user.is_superuser else rows.filter(_in_role(user, Role.VIEWER, "project__"))


def project_for(user: User, pk: UUID, act: Act = Act.LOOK) -> Project:
    """Raises Http404 where the user may not even look, RoleMissing where he may not do this."""
    project = get_object_or_404(projects_for(user), pk=pk)
    require_role(user, project, act)
    return project


def require_role(user: User, project: Project, act: Act) -> None:
    """For a project that the user may see. Raises RoleMissing."""
    role = role_of(user, project)
    if not role.may(act):
        raise RoleMissing(
            act=act.label,
            title=project.title,
            needed=act.needs.label.lower(),
            role=role.label.lower(),
            owner=project.owner,
        )


def require_role_still(user: User, project: Project, act: Act) -> None:
    """For work begun earlier, whose project may be out of the user's sight by now.

    Raises RoleMissing, as the start of that work did, and RoleGone where no role is left.
    """
    if not _visible(user, Role.VIEWER).filter(pk=project.pk).exists():
        raise RoleGone(
            act=act.label,
            title=project.title,
            needed=act.needs.label.lower(),
            role="",
            owner=project.owner,
        )
    require_role(user, project, act)


def role_of(user: User, project: Project) -> Role:
    """The role of somebody who may see the project; kept on the row, so that it is read once."""
    if user.is_superuser or project.owner_id == user.pk:
        return Role.OWNER
    kept: dict[Any, Role] = project.__dict__.setdefault("_roles", {})
    if user.pk not in kept:
        row = project.memberships.filter(user=user).values_list("role", flat=True).first()
        kept[user.pk] = Role(row) if row else Role.VIEWER
    return kept[user.pk]


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
        kinds=kinds_of(owner),
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


def _visible(user: User, role: Role) -> QuerySet[Project]:
    rows = Project.objects.select_related("owner", "draft")
    return rows if user.is_superuser else rows.filter(_in_role(user, role))


def _in_role(user: User, role: Role, prefix: str = "") -> Q:
    own = Q(**{f"{prefix}owner": user})
    if role is Role.OWNER:
        return own
    roles = [one for one in Role if one.covers(role)]
    shared = Membership.objects.filter(user=user, role__in=roles).values("project")
    return own | Q(**{f"{prefix}pk__in": shared})


def _restorable_since() -> datetime:
    return timezone.now() - KEPT_AFTER_DELETION
