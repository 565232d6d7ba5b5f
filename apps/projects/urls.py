from __future__ import annotations

from django.urls import path

from apps.projects import (
    canvas_views,
    import_views,
    sharing_views,
    version_views,
    views,
    wizard_views,
    yaml_views,
)

app_name = "projects"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.create, name="create"),
    path("import/", import_views.import_, name="import"),
    path("gallery/", views.gallery, name="gallery"),
    path("sample/", views.sample, name="sample"),
    path("sample/<slug:sample_id>/<str:name>", views.sample_file, name="sample_file"),
    path("schema/v1.json", views.schema, name="schema"),
    path("<uuid:project_id>/", views.overview, name="overview"),
    path("<uuid:project_id>/clone/", views.clone, name="clone"),
    path("<uuid:project_id>/people/", sharing_views.people, name="people"),
    path(
        "<uuid:project_id>/people/<int:membership_id>/remove/",
        sharing_views.unshare,
        name="unshare",
    ),
    path("<uuid:project_id>/delete/", views.delete, name="delete"),
    path("<uuid:project_id>/restore/", views.restore, name="restore"),
    path("<uuid:project_id>/wizard/<slug:step>/", wizard_views.wizard, name="wizard"),
    path("<uuid:project_id>/collect/", wizard_views.collect, name="collect"),
    path("<uuid:project_id>/yaml/", yaml_views.yaml, name="yaml"),
    path("<uuid:project_id>/yaml/check/", yaml_views.check, name="check"),
    path("<uuid:project_id>/canvas/", canvas_views.canvas, name="canvas"),
    path(
        "<uuid:project_id>/canvas/document/", canvas_views.canvas_document, name="canvas_document"
    ),
    path("<uuid:project_id>/canvas/save/", canvas_views.canvas_save, name="canvas_save"),
    path("<uuid:project_id>/canvas/inspector/", canvas_views.inspector, name="inspector"),
    path("<uuid:project_id>/canvas/run/", canvas_views.run_node, name="run_node"),
    path("<uuid:project_id>/build/", version_views.build, name="build"),
    path("<uuid:project_id>/versions/", version_views.versions, name="versions"),
    path(
        "<uuid:project_id>/versions/bring-back/<int:event_id>/",
        version_views.bring_back,
        name="bring_back",
    ),
    path("<uuid:project_id>/versions/<int:number>/", version_views.version, name="version"),
    path("<uuid:project_id>/versions/<int:number>/revert/", version_views.revert, name="revert"),
]
