from __future__ import annotations

from django.urls import path

from apps.ui import views

app_name = "ui"
urlpatterns = [
    path("activity/", views.activity, name="activity"),
    path("style/", views.style_guide, name="style_guide"),
]
