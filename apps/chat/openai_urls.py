from __future__ import annotations

from django.urls import path, re_path

from apps.chat import openai_views

app_name = "openai"
urlpatterns = [
    path("models", openai_views.models, name="models"),
    path("models/<path:model>", openai_views.model, name="model"),
    path("chat/completions", openai_views.chat_completions, name="chat_completions"),
    re_path(r"^.*$", openai_views.unknown, name="unknown"),
]
