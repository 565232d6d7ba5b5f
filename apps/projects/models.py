"""A project, the people who share it, its one draft and its frozen versions."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse

from apps.projects.enums import Role, Verb


class Project(models.Model):
    """name is `metadata.name` of its spec; unique per owner among projects that are not deleted.

    tags: those of the spec between commas (",hr,pilot,"), so that one can be searched on any database
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="projects")
    name = models.SlugField(max_length=63)
    title = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    application = models.CharField(max_length=32)
    tags = models.CharField(max_length=400, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-updated_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"],
                condition=models.Q(deleted_at__isnull=True),
                name="project_name",
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("projects:overview", args=[self.pk])

    @property
    def tag_list(self) -> list[str]:
        return [tag for tag in self.tags.split(",") if tag]


class Membership(models.Model):
    """A person other than the owner who may see (viewer) or change (editor) a project."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(
        max_length=16, choices=[(role.value, role.label) for role in (Role.VIEWER, Role.EDITOR)]
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["user__username"]
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_person"),
            models.CheckConstraint(
                condition=models.Q(role__in=[Role.VIEWER, Role.EDITOR]), name="membership_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.role}"


class ProjectEvent(models.Model):
    """One line of a project's activity.

    changes    sentences. Edits of one person that follow each other closely share a line
    document   the draft that a version replaced, so that it can be brought back
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="events")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    verb = models.CharField(max_length=24, choices=Verb.choices)
    changes = models.JSONField(default=list)
    document = models.TextField(blank=True)
    at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.actor} {self.get_verb_display()}"


class Draft(models.Model):
    """The project's working copy. `yaml` is the document, comments and all; revision counts saves.

    unfit_input     what was typed into a wizard step ("parameters") or the YAML page ("yaml") and does
                    not fit the spec yet; kept so that leaving the page loses nothing
    applied_sha256  of the spec that `apply` wrote last, to tell edits made elsewhere
    """

    project = models.OneToOneField(Project, models.CASCADE, primary_key=True, related_name="draft")
    yaml = models.TextField()
    revision = models.PositiveIntegerField(default=1)
    wizard_step = models.CharField(max_length=32, blank=True)
    unfit_input = models.JSONField(default=dict)
    applied_sha256 = models.CharField(max_length=64, blank=True)
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"draft {self.revision} of {self.project_id}"


class SpecVersion(models.Model):
    """A frozen build: the spec, its YAML and the graph that runs. sha256 is of the canonical spec."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=80, blank=True)
    notes = models.TextField(blank=True)
    yaml = models.TextField()
    spec = models.JSONField()
    graph = models.JSONField()
    sha256 = models.CharField(max_length=64)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="version_number"),
            models.UniqueConstraint(fields=["project", "sha256"], name="version_spec"),
        ]

    def __str__(self) -> str:
        return f"v{self.number}" + (f" {self.name}" if self.name else "")

    def get_absolute_url(self) -> str:
        return reverse("projects:version", args=[self.project_id, self.number])

    @property
    def app_key(self) -> str:
        """The key under which chat reaches this version."""
        return f"version:{self.pk}"
