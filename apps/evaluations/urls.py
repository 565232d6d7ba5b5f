from __future__ import annotations

from django.urls import path

from apps.evaluations import views

app_name = "evaluations"
urlpatterns = [
    path("projects/<uuid:project_id>/evaluations/", views.index, name="index"),
    path("projects/<uuid:project_id>/evaluations/upload/", views.upload, name="upload"),
    path("projects/<uuid:project_id>/evaluations/start/", views.start, name="start"),
    path("projects/<uuid:project_id>/evaluations/compare/", views.compare, name="compare"),
    path("evaluations/template/<str:kind>/", views.template, name="template"),
    path("evaluations/datasets/<uuid:dataset_id>/", views.dataset, name="dataset"),
    path(
        "evaluations/datasets/<uuid:dataset_id>/delete/",
        views.delete_dataset,
        name="delete_dataset",
    ),
    path("evaluations/<uuid:run_id>/", views.run, name="run"),
    path("evaluations/<uuid:run_id>/samples/", views.samples, name="samples"),
    path("evaluations/<uuid:run_id>/samples/<int:ordinal>/", views.sample, name="sample"),
    path("evaluations/<uuid:run_id>/report/<str:kind>/", views.report, name="report"),
    path("evaluations/<uuid:run_id>/delete/", views.delete, name="delete"),
]
