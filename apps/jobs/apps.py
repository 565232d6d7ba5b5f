from __future__ import annotations

from importlib import import_module

from celery.signals import worker_ready
from django.apps import AppConfig
from django.conf import settings


class JobsConfig(AppConfig):
    name = "apps.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the tasks, so that every process can send them and the embedded mode can run them."""
        app = import_module(settings.JOBS_CELERY_APP).app
        app.set_default()
        for module in settings.CELERY_IMPORTS:
            import_module(module)
        worker_ready.connect(_sweep, dispatch_uid="jobs.sweep")


def _sweep(**_: object) -> None:
    """A Celery worker watches over job rows too; the web process may be down."""
    import_module("apps.jobs.sweeper").start_sweeper()
