from __future__ import annotations

from django.apps import AppConfig


class PackagesConfig(AppConfig):
    name = "apps.packages"
    label = "packages"
    default_auto_field = "django.db.models.BigAutoField"
