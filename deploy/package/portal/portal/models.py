"""What the portal remembers about the package it came with."""

from __future__ import annotations

from django.db import models


class ImportedKnowledge(models.Model):
    """Packaged knowledge that was taken in. A row stays when its collection is deleted, so that an
    administrator's deletion survives a restart."""

    name = models.SlugField(max_length=63, unique=True)
    sha256 = models.CharField(max_length=64, blank=True)
    imported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
