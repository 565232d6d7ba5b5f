"""Model servers a person may use, and the secrets that open them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse

from apps.connections.enums import EndpointKind
from apps.runtime.stores.index import STORE_KINDS


class Secret(models.Model):
    """A value kept encrypted. Only `connections.secrets` reads it; specs name it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="secrets")
    name = models.SlugField(max_length=63)
    ciphertext = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="secret_name")]

    def __str__(self) -> str:
        return self.name


class Endpoint(models.Model):
    """A server that projects use. name is what a project's YAML calls it; unique per owner.

    kind is for good: frozen versions hold what it decides.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="endpoints")
    name = models.SlugField(max_length=63)
    title = models.CharField(max_length=120)
    kind = models.CharField(
        max_length=10, choices=EndpointKind.choices, default=EndpointKind.OPENAI
    )
    base_url = models.CharField(max_length=300)
    secret = models.ForeignKey(Secret, models.SET_NULL, null=True, blank=True)
    model_names = models.JSONField(default=list)
    tested_at = models.DateTimeField(null=True, blank=True)
    test_result = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["title"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="endpoint_name"),
            models.CheckConstraint(
                condition=models.Q(kind__in=EndpointKind.values), name="endpoint_kind"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("connections:detail", args=[self.pk])

    @property
    def keeps_vectors(self) -> bool:
        return self.kind in STORE_KINDS
