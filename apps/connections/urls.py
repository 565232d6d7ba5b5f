from __future__ import annotations

from django.urls import path

from apps.connections import views

app_name = "connections"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.create, name="create"),
    path("test/", views.test, name="test"),
    path("discover/", views.discover, name="discover"),
    path("<uuid:endpoint_id>/", views.detail, name="detail"),
    path("<uuid:endpoint_id>/test/", views.test, name="test"),
    path("<uuid:endpoint_id>/delete/", views.delete, name="delete"),
]
