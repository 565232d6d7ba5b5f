from __future__ import annotations

from django.db.models import TextChoices


class Role(TextChoices):
    """What a person may do with a project, least first."""

    VIEWER = "viewer", "Viewer"
    EDITOR = "editor", "Editor"
    OWNER = "owner", "Owner"

    def covers(self, other: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)

    def may(self, act: Act) -> bool:
        return self.covers(act.needs)


class Act(TextChoices):
    """What a person does with a project; `needs` is the one table of who may."""

    LOOK = "look", "Looking at"
    TRY = "try", "Trying"
    CHANGE = "change", "Changing"
    BUILD = "build", "Building"
    PROVE = "prove", "Evaluating or loading"
    SHIP = "ship", "Shipping"
    SHARE = "share", "Sharing"
    DELETE = "delete", "Deleting"

    @property
    def needs(self) -> Role:
        return _NEEDS[self]


_NEEDS = {
    Act.LOOK: Role.VIEWER,
    Act.TRY: Role.VIEWER,
    Act.CHANGE: Role.EDITOR,
    Act.BUILD: Role.EDITOR,
    Act.PROVE: Role.EDITOR,
    Act.SHIP: Role.EDITOR,
    Act.SHARE: Role.OWNER,
    Act.DELETE: Role.OWNER,
}


class Verb(TextChoices):
    """What happened to a project; its own rows (versions, runs, packages) tell the rest."""

    CREATED = "created", "created the project"
    EDITED = "edited", "edited"
    RESTORED_VERSION = "restored-version", "took back a version"
    SHARED = "shared", "shared the project"
    UNSHARED = "unshared", "ended sharing"
    DELETED = "deleted", "deleted the project"
    RESTORED = "restored", "restored the project"
