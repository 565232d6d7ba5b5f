"""Who besides its owner may see or change a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q

from apps.accounts.services import audit
from apps.projects.activity import note
from apps.projects.enums import Role, Verb
from apps.projects.errors import AlreadyOwner, PersonUnknown
from apps.projects.models import Membership, Project

if TYPE_CHECKING:
    from apps.accounts.models import User


@transaction.atomic
def share_project(*, project: Project, who: str, role: Role, by: User) -> Membership:
    """Give somebody a role, or another one. who: a user name or an e-mail address, whole.

    Raises PersonUnknown, AlreadyOwner.
    """
    person = _person(who)
    if person.pk == project.owner_id:
        raise AlreadyOwner(name=person)
    membership, created = Membership.objects.get_or_create(
        project=project, user=person, defaults={"role": role, "added_by": by}
    )
    if not created and membership.role == role:
        return membership
    membership.role = role
    membership.save(update_fields=["role"])
    note(project, by, Verb.SHARED, [f"{person} is {role.label.lower()} now."])
    audit(by, "projects.share", f"project:{project.name}", person=person.username, role=role)
    return membership


@transaction.atomic
def unshare_project(*, membership: Membership, by: User) -> None:
    """Take somebody's role away; people may leave by themselves."""
    project, person = membership.project, membership.user
    membership.delete()
    note(project, by, Verb.UNSHARED, [f"{person} has no role any more."])
    audit(by, "projects.unshare", f"project:{project.name}", person=person.username)


def _person(who: str) -> User:
    rows = get_user_model()._default_manager.filter(is_active=True)
    found = list(rows.filter(Q(username__iexact=who) | Q(email__iexact=who, email__gt=""))[:2])
    exact = [person for person in found if person.username.lower() == who.lower()] or found
    if len(exact) != 1:
        raise PersonUnknown(name=f"“{who}”")
    return exact[0]
