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


class Verb(TextChoices):
    """What happened to a project; its own rows (versions, runs, packages) tell the rest."""

    CREATED = "created", "created the project"
    EDITED = "edited", "edited"
    RESTORED_VERSION = "restored-version", "took back a version"
    SHARED = "shared", "shared the project"
    UNSHARED = "unshared", "ended sharing"
    DELETED = "deleted", "deleted the project"
    RESTORED = "restored", "restored the project"
