from __future__ import annotations

from django.urls import path

from apps.packages import views

app_name = "packages"
urlpatterns = [
    path("projects/<uuid:project_id>/packages/", views.index, name="index"),
    path("projects/<uuid:project_id>/packages/start/", views.start, name="start"),
    path("packages/<uuid:export_id>/", views.detail, name="detail"),
    path("packages/<uuid:export_id>/download/", views.download, name="download"),
    path("packages/<uuid:export_id>/delete/", views.delete, name="delete"),
]
