from __future__ import annotations

from django.urls import path

from apps.sandboxes import views

app_name = "sandboxes"
urlpatterns = [path("projects/<uuid:project_id>/sandbox/", views.sandbox, name="sandbox")]
