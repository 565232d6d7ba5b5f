from __future__ import annotations

from django.urls import path

from apps.knowledge import document_views, views

app_name = "knowledge"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.create, name="create"),
    path("<uuid:collection_id>/", views.collection, name="collection"),
    path("<uuid:collection_id>/settings/", views.settings, name="settings"),
    path("<uuid:collection_id>/delete/", views.delete, name="delete"),
    path("<uuid:collection_id>/upload/", views.upload, name="upload"),
    path("<uuid:collection_id>/documents/", views.documents, name="documents"),
    path("<uuid:collection_id>/progress/", views.progress, name="progress"),
    path("<uuid:collection_id>/retry/", views.retry, name="retry"),
    path("<uuid:collection_id>/search/", views.search, name="search"),
    path("documents/<uuid:document_id>/", document_views.document, name="document"),
    path("documents/<uuid:document_id>/original/", document_views.original, name="original"),
    path("documents/<uuid:document_id>/remove/", document_views.remove, name="remove"),
    path("copies/<uuid:copy_id>/remove/", views.remove_copy, name="remove_copy"),
    path("passages/<uuid:chunk_id>/", document_views.passage, name="passage"),
]
