from __future__ import annotations

from django.urls import path

from apps.benchmarks import views

app_name = "benchmarks"
urlpatterns = [
    path("projects/<uuid:project_id>/benchmarks/", views.index, name="index"),
    path("projects/<uuid:project_id>/benchmarks/start/", views.start, name="start"),
    path("projects/<uuid:project_id>/benchmarks/compare/", views.compare, name="compare"),
    path("benchmarks/<uuid:run_id>/", views.run, name="run"),
    path("benchmarks/<uuid:run_id>/report/<str:kind>/", views.report, name="report"),
    path("benchmarks/<uuid:run_id>/delete/", views.delete, name="delete"),
]
